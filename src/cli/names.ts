// Names of files that results are written to: what file systems take, and none twice.

/** Of a name that a path is made into: with an extension and what a temporary file adds, it stays below 255 bytes. */
const LONGEST = 50;

/** A path as one name: letters, digits and .+-, of which the last 50 are kept. */
export function nameOf(path: string): string {
  const name = path.replace(/\.[^./]+$/, '').replace(/[^\p{L}\p{N}.+-]+/gu, '_');
  return [...name].slice(-LONGEST).join('');
}

/** Makes names distinct, in any case of letters: what was given before gets a number. */
export function distinctNames(): (name: string) => string {
  const used = new Set<string>();
  return (name) => {
    let free = name;
    for (let n = 2; used.has(free.toLowerCase()); n++) free = `${name}-${n}`;
    used.add(free.toLowerCase());
    return free;
  };
}
