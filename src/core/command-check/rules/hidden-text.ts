// Characters that a reader does not see. They belong into emoji and into words of some scripts; elsewhere they make a
// command differ from what it looks like.
import { finding, type Finding } from '../invocation.ts';

const CONTROL = /[^\P{Cc}\t\n\r]/u;
/** Without width, or turning the direction of the text. */
const INVISIBLE =
  /[\u00AD\u061C\u115F\u1160\u180E\u200B-\u200F\u202A-\u202E\u2060-\u206F\u3164\uFEFF\uFFA0\u{E0001}-\u{E007F}]/u;

/** Judges the text of the whole command. */
export function* hiddenText(text: string): Generator<Finding> {
  if (CONTROL.test(text)) {
    yield finding(text, 'control-characters', 'high', 'The command contains control characters.');
  }
  if (INVISIBLE.test(text) && INVISIBLE.test(withoutScripts(text))) {
    const message = 'The command contains invisible characters, so it differs from what it looks like.';
    yield finding(text, 'invisible-characters', 'high', message);
  }
}

/**
 * Removes emoji, joiners behind a letter of a script that needs them, and direction marks beside a word that runs from
 * right to left. The patterns stand here because every process loads this file, and V8 takes milliseconds for the sets
 * of characters that they name.
 */
function withoutScripts(text: string): string {
  const joiner =
    /(?<=[\p{sc=Arab}\p{sc=Syrc}\p{sc=Deva}\p{sc=Beng}\p{sc=Guru}\p{sc=Gujr}\p{sc=Orya}\p{sc=Taml}\p{sc=Telu}\p{sc=Knda}\p{sc=Mlym}\p{sc=Sinh}\p{sc=Khmr}\p{sc=Mong}])[\u200C\u200D]/gu;
  const directionMark =
    /(?<=[\p{sc=Arab}\p{sc=Hebr}][\p{P}\p{N}\s]{0,3})[\u061C\u200E\u200F]|[\u061C\u200E\u200F](?=[\p{P}\p{N}\s]{0,3}[\p{sc=Arab}\p{sc=Hebr}])/gu;
  return text
    .replaceAll(/\p{RGI_Emoji}/gv, '')
    .replaceAll(joiner, '')
    .replaceAll(directionMark, '');
}
