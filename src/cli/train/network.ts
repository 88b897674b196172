// `--architecture`: a network of ours by its name, or anybody's from a JSON file; with what it listens to and how it is trained.
import { defaultFeatures, FEATURE_KINDS } from '../../features/settings.ts';
import {
  type ArchitectureName,
  architecture,
  architectureOf,
  type Listens,
} from '../../model/architectures.ts';
import type { Network } from '../../model/layers.ts';
import { readNetwork } from '../../model/read-network.ts';
import { RECIPE, RECIPES, type Recipe } from '../../training/recipes.ts';

export interface NetworkChoice {
  readonly name: string;
  readonly network: (classes: number) => Network;
  readonly listens: Listens;
  readonly recipe: Recipe;
}

/** What a network that is not ours listens to: whatever is asked for; samples with a channel, as convolutions want them. */
const ANYTHING: Listens = {
  kinds: FEATURE_KINDS,
  settings: (kind, sampleRate, clipSeconds) => {
    const settings = defaultFeatures(kind, sampleRate, clipSeconds);
    return kind === 'waveform' ? { ...settings, layout: ['batch', 'channel', 'time'] } : settings;
  },
};

/** @throws ModelError for an unknown name or a file that holds no network; FileError where it cannot be read */
export async function chooseNetwork(name: string): Promise<NetworkChoice> {
  if (/\.json$/i.test(name)) {
    return { name, network: await readNetwork(name), listens: ANYTHING, recipe: RECIPE };
  }
  return {
    name,
    network: (classes) => architecture(name, classes),
    listens: architectureOf(name).features,
    recipe: RECIPES[name as ArchitectureName],
  };
}
