package web

import (
	"net/http"
	"strconv"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// requestTimes measures the requests by route, method and status. A series is
// looked up by its labels once.
type requestTimes struct {
	all   *prometheus.HistogramVec
	mu    sync.RWMutex
	known map[series]prometheus.Observer
}

type series struct {
	route, method string
	status        int
}

func newRequestTimes(reg *prometheus.Registry) *requestTimes {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "tallyway_web_request_seconds", Help: "Time from a request's head to the end of its answer.",
		Buckets: []float64{.002, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 30},
	}, []string{"route", "method", "status"})
	reg.MustRegister(h)
	return &requestTimes{all: h, known: map[series]prometheus.Observer{}}
}

func (t *requestTimes) of(route, method string, status int) prometheus.Observer {
	s := series{route, knownMethod(method), status}
	t.mu.RLock()
	o := t.known[s]
	t.mu.RUnlock()
	if o != nil {
		return o
	}
	o = t.all.WithLabelValues(s.route, s.method, strconv.Itoa(s.status))
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known[s] = o
	return o
}

// knownMethod keeps visitors from making series of methods that they invent.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}
