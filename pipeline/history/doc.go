// Package history keeps what a share has encoded, whatever becomes of the jobs' folders and the outputs: how many
// films, how much smaller they became, and how fast each host was.
//
// A job whose output came out adds one entry, a file of its own that its master publishes before it closes the job.
// The leading master folds the entries of days that are over into their month's file. That begins with its sums, so
// that who wants no more reads no further; behind them it has the entries themselves, one a line.
//
// The history is a set of entries by job id, and all files together are that set. So it does not matter how often an
// entry is written or folded, by how many masters at once, or where one of them died: an entry counts once. A file is
// removed only when another one has all of its entries, and has been seen for a minute. docs/protocol.md has the rest.
package history
