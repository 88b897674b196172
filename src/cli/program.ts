// The `earmark` program: its commands, in the order that its help lists them.
import { Command, type OutputConfiguration } from 'commander';
import packageFile from '../../package.json' with { type: 'json' };
import { addAttribute } from './commands/attribute.ts';
import { addCompile } from './commands/compile.ts';
import { addData } from './commands/data.ts';
import { addDemo } from './commands/demo.ts';
import { addDescribe } from './commands/describe.ts';
import { addExplain } from './commands/explain.ts';
import { addFeatures } from './commands/features.ts';
import { addImport } from './commands/import.ts';
import { addInspect } from './commands/inspect.ts';
import { addPredict } from './commands/predict.ts';
import { addTrain } from './commands/train.ts';
import type { AddCommand, Frame } from './frame.ts';

const COMMANDS: readonly AddCommand[] = [
  addDemo,
  addData,
  addTrain,
  addPredict,
  addExplain,
  addAttribute,
  addInspect,
  addCompile,
  addImport,
  addDescribe,
  addFeatures,
];

/** Makes the program; what is wrong with a command line is thrown, never printed, and nothing exits. */
export function buildProgram(frame: Frame, output: OutputConfiguration): Command {
  const program = new Command('earmark')
    .description('Shows what an audio classifier listens to.')
    .version(packageFile.version)
    .helpCommand(false)
    .exitOverride()
    .configureOutput(output)
    .addHelpText('after', '\n`earmark COMMAND --help` explains a command, with an example.');
  for (const add of COMMANDS) add(program, frame);
  return program;
}
