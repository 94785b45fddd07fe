package pipeline

import (
	"fmt"
	"path"
	"time"
)

// The folders of a share, relative to its root. Every name on the share is built in this file; callers
// pass only ids that ValidJob or a Parse function has accepted, or names they made themselves.
const (
	Inbox       = "inbox"
	Outbox      = "outbox"
	FailedDir   = "failed"
	Archive     = "archive"
	Jobs        = "jobs"
	Leases      = "leases"
	Nodes       = "nodes"
	MasterDir   = "master"
	PendingDir  = "chunks/pending"
	ClaimedDir  = "chunks/claimed"
	DoneDir     = "chunks/done"
	SetAsideDir = "chunks/failed"
	ProbeDir    = ".distenc/probe"
	// RestDir has a file for each machine that is asked to rest. It is made when one is asked.
	RestDir = ".distenc/rest"
	// Soon is an empty folder among those of the jobs' free chunks while more chunks are about to come.
	Soon = PendingDir + "/soon"
	// Cluster is the share's marker and the settings that all nodes must agree on.
	Cluster = ".distenc/cluster.json"
	// LeftAloneFile says what in the inbox the leading master leaves alone, and why.
	LeftAloneFile = ".distenc/inbox.json"
	// HistoryDir holds what the share has encoded, whatever becomes of the jobs' folders. It is none of Folders: the
	// first film that comes out makes it.
	HistoryDir = ".distenc/history"
	// Config is the configuration that serves every machine of the share.
	Config = "distenc.toml"
	// StatusPage and StatusJSON show the share's state to who has nothing but the share.
	StatusPage = "status.html"
	StatusJSON = "status.json"
)

// Folders lists what `distenc init` makes, parents first.
func Folders() []string {
	return []string{
		".distenc", ProbeDir, Inbox, Outbox, FailedDir, Archive, Jobs, Leases, Nodes, MasterDir,
		"chunks", PendingDir, ClaimedDir, DoneDir, SetAsideDir,
	}
}

// AddedOf is a film in the inbox while `distenc add` copies it; the watcher passes over hidden names.
func AddedOf(nonce string) string { return path.Join(Inbox, addedPrefix+nonce) }

// Path returns where in the inbox the upload lies while it is not whole.
func (u Upload) Path() string {
	return path.Join(Inbox, fmt.Sprintf("%s%s.%d.%s", uploadPrefix, u.Key, u.Total, u.Nonce))
}

const (
	addedPrefix  = ".distenc-add-"
	uploadPrefix = ".distenc-put-"
)

// DeadFor is how long a file that its daemon writes again and again, or is just writing, has stood still, as one
// observer saw it, when it may be swept.
const DeadFor = 10 * time.Minute

// StandbySuffix ends the names of the files in ProbeDir that masters write again and again while they stand by.
const StandbySuffix = ".standby"

// StandbyFile is that of a master.
func StandbyFile(node string) string { return path.Join(ProbeDir, path.Base(node)+StandbySuffix) }

// RestFile is what a machine is asked, by its valid host name; see type Rest.
func RestFile(host string) string { return path.Join(RestDir, path.Base(host)+restSuffix) }

const restSuffix = ".json"

// JobDir is a job's folder; its small texts stay there as history.
func JobDir(job string) string { return path.Join(Jobs, job) }

// JobFolders are the folders in a job's folder.
func JobFolders(job string) []string {
	return []string{OutOf(job), JobFile(job, "log"), JobFile(job, "control")}
}

// JobFile is a file in a job's folder: job.json, plan.json, source.mkv, …
func JobFile(job, name string) string { return path.Join(Jobs, job, path.Base(name)) }

// JobOut is a merged output that awaits its decision.
func JobOut(job, nonce string) string { return path.Join(OutOf(job), nonce) }

// OutOf holds a job's merged outputs until it ends.
func OutOf(job string) string { return path.Join(Jobs, job, outDir) }

const outDir = "out"

// SidecarOf holds the settings that lay beside the source.
func SidecarOf(job string) string { return path.Join(Jobs, job, "sidecar.toml") }

// WorkOf is the folder for the intermediate files of the merge that writes out.
func WorkOf(out string) string { return out + ".work" }

// NormOf is a fresh name for a job's normalised source.
func NormOf(job string) string { return path.Join(Jobs, job, "norm."+Nonce(nonceLen)+".mkv") }

// LogDir holds the reports of what went wrong with single attempts.
func LogDir(job string) string { return path.Join(Jobs, job, "log") }

// JobLog is a file in the job's log folder.
func JobLog(job, name string) string { return path.Join(LogDir(job), path.Base(name)) }

// HistoryEntry is what a job adds to the history, until that is in its month's file.
func HistoryEntry(job string) string { return path.Join(HistoryDir, job+".json") }

// HistoryMonth is a fresh name for a file with what the jobs of a month ("2026-11") have added to the history.
func HistoryMonth(month string) string {
	return path.Join(HistoryDir, month+"."+Nonce(nonceLen)+".jsonl")
}

// HistoryFile is a file of the history by its name.
func HistoryFile(name string) string { return path.Join(HistoryDir, path.Base(name)) }

// PendingOf holds a job's free chunks.
func PendingOf(job string) string { return path.Join(PendingDir, job) }

// CutOf is a piece while it is being cut, one of many of a pass through the source; nonce is the pass's own. No
// Parse function accepts it.
func CutOf(job, nonce string, lane int, piece string) string {
	return path.Join(PendingOf(job), fmt.Sprintf("cut-%s.%d.%s.tmp", nonce, lane, piece))
}

// DoneOf holds a job's results, records and committed and accepted chunk files.
func DoneOf(job string) string { return path.Join(DoneDir, job) }

// SetAsideOf holds a job's chunks that were tried too often.
func SetAsideOf(job string) string { return path.Join(SetAsideDir, job) }

// Path returns where on the share the chunk file lies, which is its state.
func (c ChunkFile) Path() string {
	switch c.State {
	case Pending:
		return path.Join(PendingOf(c.Job), fmt.Sprintf("%s.a%d.%s.%s", c.number(), c.Attempt, c.Nonce, c.Kind))
	case Claimed:
		return path.Join(ClaimedDir, c.Stem()+"."+string(c.Kind))
	case Committed:
		return path.Join(DoneOf(c.Job), c.Stem()+".src."+string(c.Kind))
	case Accepted:
		return path.Join(DoneOf(c.Job), c.Stem()+".ok."+string(c.Kind))
	case Failed:
		return path.Join(SetAsideOf(c.Job), c.Stem()+"."+string(c.Kind))
	case Nowhere:
	}
	panic("pipeline: a chunk that is nowhere has no path")
}

// Result is the encoded chunk, Record what its worker says of it, Partial the name it is written under.
func (c ChunkFile) Result() string { return path.Join(DoneOf(c.Job), c.Stem()+".enc") }

// Record is the JSON beside the result; see type Record.
func (c ChunkFile) Record() string { return path.Join(DoneOf(c.Job), c.Stem()+".json") }

// Partial is the result while it is being written.
func (c ChunkFile) Partial() string { return path.Join(DoneOf(c.Job), c.Stem()+".tmp") }

// Spare is as Partial: the other one of two results of which the better one is kept.
func (c ChunkFile) Spare() string { return path.Join(DoneOf(c.Job), c.Stem()+".spare.tmp") }

// Unfinished is a pending chunk's file while it is being written; no Parse function accepts it.
func (c ChunkFile) Unfinished() string { return c.Path() + ".tmp" }
