// Package sim runs the real lease, master and worker code on a simulated share, in virtual time
// (testing/synctest), under faults that are drawn from a seed.
//
// One server holds the files (server.go). Every node sees them through a client of its own (client.go) that
// caches, loses answers, lets requests land late and fails, as NFS and SMB clients were seen to. Every call
// sleeps for a virtual time that the seed gives, so the seed decides the order of all steps. Only the
// stages that touch video are stand-ins (stages.go): a source is a text of one line a frame, so that the
// output tells which chunk's frames went in how often.
//
// A judge (judge.go) looks at every change of the server's state and holds it against the invariants I1 to
// I12 of docs/protocol.md; at the end, when the faults have stopped, every job must have ended well and
// nothing may be left over (verdict.go).
package sim
