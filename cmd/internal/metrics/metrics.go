// Package metrics counts for Prometheus what goes on on a share. The names are listed in the README.
package metrics

import (
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/distenc/distenc/pipeline"
	"github.com/distenc/distenc/pipeline/history"
	"github.com/distenc/distenc/pipeline/status"
)

// Metrics are what one master tells. Its methods may be called from any goroutine.
type Metrics struct {
	registry *prometheus.Registry
	stages   *prometheus.SummaryVec
	frames   prometheus.Counter
	retries  prometheus.Counter
	expiries prometheus.Counter
	failures prometheus.Counter
	rejected prometheus.Counter

	mu     sync.Mutex
	latest *status.Status
	jobs   map[string]jobCount // by id, as counted
	since  time.Time           // files rejected until then are counted
}

// jobCount is how much of a job has been counted.
type jobCount struct{ frames, retries, expiries int }

// New returns metrics in a registry of their own.
func New() *Metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		stages: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Name: "distenc_stage_seconds",
			Help: "Time that single steps of a stage took: intake, plan, split, encode, accept, merge, finish, fold.",
		}, []string{"stage"}),
		frames: counter("distenc_frames_encoded_total", "Frames encoded since this master started."),
		retries: counter("distenc_retries_total",
			"Chunks that had to be encoded again, because an attempt failed or its worker fell silent, "+
				"since this master started."),
		expiries: counter("distenc_expiries_total", "Claims of workers that fell silent since this master started."),
		failures: counter("distenc_failures_total",
			"Attempts that failed, or whose result was bad, since this master started."),
		rejected: counter("distenc_rejected_total",
			"Files that no job was made of, and that were put into failed/, since this master started."),
	}
	m.registry.MustRegister(m.stages, m.frames, m.retries, m.expiries, m.failures, m.rejected, state{m},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{MaxRequestsInFlight: 4})
}

// Took counts one step of a stage.
func (m *Metrics) Took(stage string, d time.Duration) {
	m.stages.WithLabelValues(stage).Observe(d.Seconds())
}

// Observe counts what is new in a state of the share. The first one is where counting begins.
func (m *Metrics) Observe(s *status.Status) {
	m.mu.Lock()
	defer m.mu.Unlock()
	first := m.jobs == nil
	if first {
		m.jobs = map[string]jobCount{}
	}
	for i := range s.Jobs {
		m.count(&s.Jobs[i], first)
	}
	was := m.since
	for _, r := range s.Rejected {
		if r.Time.After(was) && !first {
			m.rejected.Inc()
		}
		if r.Time.After(m.since) {
			m.since = r.Time
		}
	}
	m.latest = s
}

// count counts what a job has more than at the last look; quietly: only notes it.
func (m *Metrics) count(j *pipeline.JobStatus, quietly bool) {
	was := m.jobs[j.ID]
	is := jobCount{
		frames: max(was.frames, j.Frames.Done), retries: max(was.retries, j.Retries), expiries: max(was.expiries, j.Expiries),
	}
	if !quietly {
		retries, expiries := is.retries-was.retries, is.expiries-was.expiries
		m.frames.Add(float64(is.frames - was.frames))
		m.retries.Add(float64(retries))
		m.expiries.Add(float64(expiries))
		m.failures.Add(float64(max(0, retries-expiries))) // an attempt that seemed lost may turn out to have failed
	}
	m.jobs[j.ID] = is
}

// What is read off the share's last state when somebody asks.
var (
	descJobs   = desc("distenc_jobs", "Jobs by state; all that ever were for done, skipped, failed, cancelled.", "state")
	descChunks = desc("distenc_chunks", "Chunks of the jobs in work by state.", "state")
	descInbox  = desc("distenc_inbox_files", "Files in the inbox that are not taken yet.")
	descFree   = desc("distenc_free_bytes", "Space on the share that is free for an ordinary user.")
	descSaved  = desc("distenc_saved_bytes", "How much smaller all outputs are than their sources.")
	descFilms  = desc("distenc_films_total", "Films that came out since the share's history began.")
	descSource = desc("distenc_source_bytes_total", "Bytes of the sources of these films.")
	descOutput = desc("distenc_output_bytes_total", "Bytes of the outputs of these films.")
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
		descJobs, descChunks, descInbox, descFree, descSaved, descMaster, descNodes, descFPS, descSlots, descBusy, descLoad,
		descSeen, descFilms, descSource, descOutput,
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
	gauge(descSaved, float64(s.Saved))
	counted(ch, s.History)
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

// counted tells what the share's history counts: all masters of a share tell the same. While a part of it can't be
// read nothing is told: a counter that falls would count everything anew when it is back.
func counted(ch chan<- prometheus.Metric, h *history.History) {
	if h == nil || len(h.Trouble) > 0 {
		return
	}
	for d, n := range map[*prometheus.Desc]int64{
		descFilms: h.All.Films, descSource: h.All.Source, descOutput: h.All.Output,
	} {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
}

// countJobs counts jobs, and the chunks of those that are in work, by state. States without any are 0.
func countJobs(s *status.Status) (jobs map[pipeline.JobState]float64, chunks map[string]float64) {
	jobs = map[pipeline.JobState]float64{
		pipeline.Planning: 0, pipeline.Analysing: 0, pipeline.Splitting: 0, pipeline.InWork: 0, pipeline.Merging: 0,
		pipeline.Done: 0, pipeline.Skipped: 0, pipeline.JobFailed: 0, pipeline.Cancelled: 0,
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
