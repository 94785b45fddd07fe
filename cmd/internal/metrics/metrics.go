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
			Help: "Time that single steps of a stage took: intake, plan, split, encode, accept, merge, finish.",
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
