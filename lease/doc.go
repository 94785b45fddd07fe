// Package lease shows that the holder of a claim lives, and finds out who does not.
//
// # Vocabulary
//
// A claim is a file's name in some directory; who may own it is decided elsewhere, by a rename
// (sharefs.Claim). A lease belongs to one claim and has the claim's stem as its name: a heartbeat file
// <stem>.hb, a text with a sequence number that its one writer rewrites in place, and a lock file
// <stem>.lock, always empty and flocked by the same process. They are two files because on SMB a lock is
// mandatory: nobody else could read the text. A lease is taken before the claim, so that there is never a
// claim whose holder nobody can watch.
//
// # What is relied on
//
// Nothing here decides who owns anything. A lease only decides how soon a claim is taken from a holder
// that is gone; a mistake wastes work and does no harm.
//
//   - No two clocks are compared. A lease is silent for as long as its (mtime, text) has not moved on the
//     observer's own monotonic clock.
//   - Silence counts only between good scans: the observer's own write to the share worked, and the scan
//     came in time. So a file server's outage or the observer's own standstill expires nobody.
//   - A lock is a hint. It shortens the wait where this observer was refused this very lock before and
//     gets it now; a lock that can't be had, or that excludes nobody, proves nothing.
//   - A holder's process that ran on the observer's own machine and is gone, as its kernel says, needs no
//     expiry either. Its beats name it; on another machine the name says nothing.
//   - A holder whose heartbeat can't be written pauses its work before the lease can expire, and goes on
//     only after the claim was seen to be still its own.
package lease
