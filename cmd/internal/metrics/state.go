package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/status"
)

// What is read off the share's last state when somebody asks.
var (
	descJobs   = desc("distenc_jobs", "Jobs by state; those of the whole history for done, failed and cancelled.", "state")
	descChunks = desc("distenc_chunks", "Chunks of the jobs in work by state.", "state")
	descInbox  = desc("distenc_inbox_files", "Files in the inbox that are not taken yet.")
	descFree   = desc("distenc_free_bytes", "Space on the share that is free for an ordinary user.")
	descMaster = desc("distenc_master_seen_seconds", "Time since the leading master's last heartbeat.")
	descNodes  = desc("distenc_nodes", "Workers by state.", "state")
	descFPS    = desc("distenc_node_frames_per_second", "Frames that a worker encodes in a second at present.", "node")
	descSlots  = desc("distenc_node_slots", "Encodes that a worker does side by side at most.", "node")
	descBusy   = desc("distenc_node_encodes", "Encodes that a worker does at present.", "node")
	descLoad   = desc("distenc_node_load", "Load average of the last minute on a worker's machine.", "node")
	descSeen   = desc("distenc_node_seen_seconds", "Time since a worker's last heartbeat.", "node")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// state collects them.
type state struct{ m *Metrics }

// Describe implements prometheus.Collector.
func (state) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descJobs, descChunks, descInbox, descFree, descMaster, descNodes, descFPS, descSlots, descBusy, descLoad, descSeen,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. Before the first look at the share there is nothing to tell.
func (c state) Collect(ch chan<- prometheus.Metric) {
	c.m.mu.Lock()
	s := c.m.latest
	c.m.mu.Unlock()
	if s == nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	jobs, chunks := countJobs(s)
	for st, n := range jobs {
		gauge(descJobs, n, string(st))
	}
	for st, n := range chunks {
		gauge(descChunks, n, st)
	}
	gauge(descInbox, float64(len(s.Inbox)))
	gauge(descFree, float64(s.Free))
	if s.Master != nil {
		gauge(descMaster, float64(s.Master.Seen))
	}
	nodes := map[string]float64{
		pipeline.NodeIdle: 0, pipeline.NodeEncoding: 0, pipeline.NodeResting: 0, pipeline.NodeSilent: 0,
	}
	seen := map[string]bool{}
	for _, n := range s.Nodes {
		if seen[n.Node] { // a second file of the same name can't be; a doubled metric would fail the whole answer
			continue
		}
		seen[n.Node] = true
		nodes[n.State]++
		gauge(descFPS, n.FPS, n.Node)
		gauge(descSlots, float64(n.Slots), n.Node)
		gauge(descBusy, float64(len(n.Chunks)), n.Node)
		gauge(descLoad, n.Load, n.Node)
		gauge(descSeen, float64(n.Seen), n.Node)
	}
	for st, n := range nodes {
		gauge(descNodes, n, st)
	}
}

// countJobs counts jobs, and the chunks of those that are in work, by state. States without any are 0.
func countJobs(s *status.Status) (jobs map[pipeline.JobState]float64, chunks map[string]float64) {
	jobs = map[pipeline.JobState]float64{
		pipeline.Planning: 0, pipeline.Splitting: 0, pipeline.InWork: 0, pipeline.Merging: 0, pipeline.Done: 0,
		pipeline.JobFailed: 0, pipeline.Cancelled: 0,
	}
	chunks = map[string]float64{"pending": 0, "claimed": 0, "done": 0, "failed": 0}
	for _, j := range s.Jobs {
		jobs[j.State]++
		if !j.Decided {
			chunks["pending"] += float64(j.Chunks.Pending)
			chunks["claimed"] += float64(j.Chunks.Claimed)
			chunks["done"] += float64(j.Chunks.Done)
			chunks["failed"] += float64(j.Chunks.Failed)
		}
	}
	return jobs, chunks
}
