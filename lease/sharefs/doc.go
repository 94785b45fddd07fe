// Package sharefs holds every change that is made to the share, the directory that all machines mount.
//
// What the network file systems promise is less than what a local disk does, and the rules here follow
// from what they were seen to do:
//
//   - A rename of a name that is never used twice is a compare-and-swap, and the only thing that
//     decides who owns what. Move and Claim are the only ways to do one.
//   - A rename's return code is a rumour: it can fail though it was done, land late, and succeed and be
//     undone. A fresh listing of the directory afterwards is the truth.
//   - A link to a complete file under a name that several want is first-wins. Publish does that.
//   - A listing is fresh when the directory is opened anew, a file's attributes when the file is. A
//     plain stat can be a minute old.
//   - O_TRUNC, utimes and truncate stamp a file with the client's clock on SMB; nothing here uses them but SetDate, for
//     dates that nobody compares.
//   - Anybody may put a symbolic link where a folder is expected. None is followed below the root.
//
// All names are relative to the share's root, with slashes, such as "chunks/pending/x"; "." is the root.
package sharefs
