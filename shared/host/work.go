package host

import "github.com/prometheus/client_golang/prometheus"

// Go runs work of an app beside the requests. It MUST return when the context
// that the app was opened with ends: the host waits for it before it closes the
// database.
func (h *Host) Go(work func()) { h.background.Go(work) }

// Counter makes a figure of /metrics that only grows, and gives what adds to it.
func (h *Host) Counter(name, help string) (add func(n int)) {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	h.Metrics.MustRegister(c)
	return func(n int) { c.Add(float64(n)) }
}

// Figure shows a figure on /metrics that somebody else counts and that only
// grows.
func (h *Host) Figure(name, help string, value func() float64) {
	h.Metrics.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: name, Help: help}, value))
}
