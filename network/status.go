package network

import (
	"context"
	"errors"
	"io/fs"
	"time"
)

// State is how one process is.
type State struct {
	Name    string
	PID     int       // 0: it does not run
	Trouble string    // why it is not ready; nothing where it is
	Height  uint64    // blocks of the channel: 0 for services, and where the channel was not joined
	Until   time.Time // the end of the certificate that ends first
}

// Status tells how every process is that belongs to this host.
func (n *Network) Status(ctx context.Context) ([]State, error) {
	all, err := n.processes()
	if err != nil {
		return nil, err
	}
	var states []State
	for _, p := range all {
		s := State{Name: p.name, PID: n.pid(p.name)}
		if s.Until, err = n.keys(p.org).until(p.kind()); err != nil {
			return nil, err
		}
		if err := n.ask(ctx, p); err != nil && s.PID == 0 {
			s.Trouble = "it does not run"
		} else if err != nil {
			s.Trouble = err.Error()
		} else if s.Height, err = n.height(ctx, p); err != nil {
			s.Trouble = err.Error()
		}
		states = append(states, s)
	}
	return states, nil
}

func (n *Network) height(ctx context.Context, p process) (uint64, error) {
	switch p.kind() {
	case "orderer":
		return n.ordererHeight(ctx, p.org)
	case "peer":
		state, err := peerMetrics(ctx, p.org, n.definition.Channel)
		return state.height, err
	}
	return 0, nil
}

// until is when the first of a process's certificates ends.
func (k keys) until(who string) (first time.Time, _ error) {
	for _, file := range []string{k.TLSCert(who), k.SignCert(who)} {
		cert, err := readCertificate(file)
		if errors.Is(err, fs.ErrNotExist) {
			continue // not everybody has both
		}
		if err != nil {
			return first, err
		}
		if first.IsZero() || cert.NotAfter.Before(first) {
			first = cert.NotAfter
		}
	}
	return first, nil
}
