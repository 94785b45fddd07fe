// Package pipeline says what a job is: its folders on the share, its plan, its chunks and their states.
//
// # Vocabulary
//
// The share is the directory all machines mount. A job is one source on its way to one output. Its
// plan, made once by a master and immutable, cuts the source's frames into chunks. A chunk is one
// file, and where it lies is its state. A worker owns a chunk by a claim (the file's name under
// chunks/claimed/) and shows that it lives by a lease (a heartbeat file and a locked file under
// leases/). An attempt numbers the tries of one chunk, a nonce makes a name unique, a stem
// (job.chunk.attempt.node.nonce) names all that one attempt of one worker ever writes.
//
// # Transitions of a chunk
//
//	(nowhere)  -- split, T3 -->            pending    chunks/pending/<job>/<chunk>.a<n>.<nonce>.<kind>
//	pending    -- claim, T5 -->            claimed    chunks/claimed/<stem>.<kind>
//	claimed    -- commit, T8 -->           committed  chunks/done/<job>/<stem>.src.<kind>
//	claimed    -- expire T9, hand back --> pending    with the next attempt
//	committed  -- accept, T10 -->          accepted   chunks/done/<job>/<stem>.ok.<kind>
//	committed  -- result is bad, T10 -->   pending    with the next attempt
//	accepted   -- result went bad -->      pending    with the next attempt
//	any        -- set aside -->            failed     chunks/failed/<job>/<stem>.<kind>
//	failed     -- retry -->                pending    with the next attempt
//
// Every arrow is one rename of a name that is never used twice (sharefs.Move); docs/protocol.md has
// the reasons. Nothing here touches the share but through lease/sharefs.
package pipeline
