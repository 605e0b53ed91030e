import { MillraceError } from './errors.ts';

/** What a file system says of a folder or a file that is not ours to use. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user has no right to it',
  EPERM: 'this user has no right to it',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  EISDIR: 'a folder stands in the place of a file',
  EEXIST: 'a file stands in the place of the folder',
  ELOOP: 'its links lead in a circle',
  ENAMETOOLONG: 'the path is too long',
};

/** MR_FOLDER_UNUSABLE with the path for what an operator can put right; any other error as it is. */
export function folderFault(error: unknown, dir: string): unknown {
  if (!(error instanceof Error) || error instanceof MillraceError || !('code' in error)) return error;
  const reason = reasons[String(error.code)];
  if (reason === undefined) return error;
  const path = 'path' in error && typeof error.path === 'string' ? error.path : dir;
  return new MillraceError('MR_FOLDER_UNUSABLE', `${path}: ${reason} (${String(error.code)})`, {
    context: { path },
    cause: error,
  });
}
