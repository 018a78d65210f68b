package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// site is a server to be visited over so many kept connections.
type site struct {
	address     string
	connections int
	path        func(n uint64) string // of the n-th request; called by many at once
}

// crowd visits as fast as the connections allow, and gives requests a second.
func (s site) crowd(ctx context.Context, spell time.Duration) (float64, error) {
	var n atomic.Uint64
	begun := time.Now()
	err := s.each(ctx, func(c *connection) error {
		for time.Since(begun) < spell {
			if err := c.get(s.path(n.Add(1) - 1)); err != nil {
				return err
			}
		}
		return nil
	})
	return float64(n.Load()) / time.Since(begun).Seconds(), err
}

// tour visits so many paths, each once.
func (s site) tour(ctx context.Context, visits uint64) error {
	var n atomic.Uint64
	return s.each(ctx, func(c *connection) error {
		for k := n.Add(1) - 1; k < visits; k = n.Add(1) - 1 {
			if err := c.get(s.path(k)); err != nil {
				return err
			}
		}
		return nil
	})
}

// stream visits at a constant rate and gives the 99th percentile of the time
// from when a request was due to when its answer was read, in seconds: a server
// that stalls cannot hide it by slowing the visitors down.
func (s site) stream(ctx context.Context, spell time.Duration, perSecond float64) (float64, error) {
	var n atomic.Uint64
	var mu sync.Mutex
	var times []float64
	begun := time.Now()
	err := s.each(ctx, func(c *connection) error {
		var own []float64
		for {
			k := n.Add(1) - 1
			due := begun.Add(time.Duration(float64(k) / perSecond * float64(time.Second)))
			if due.Sub(begun) > spell {
				break
			}
			time.Sleep(time.Until(due))
			if err := c.get(s.path(k)); err != nil {
				return err
			}
			own = append(own, time.Since(due).Seconds())
		}
		mu.Lock()
		defer mu.Unlock()
		times = append(times, own...)
		return nil
	})
	return quantile(times, 0.99), err
}

func (s site) each(ctx context.Context, visit func(*connection) error) error {
	failures := make([]error, s.connections)
	var group sync.WaitGroup
	for i := range s.connections {
		group.Go(func() {
			c, err := dial(ctx, s.address)
			if err != nil {
				failures[i] = err
				return
			}
			defer c.Close()
			failures[i] = visit(c)
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

// connection is an HTTP/1.1 client that costs little beside the server, which
// runs on the same machine.
type connection struct {
	net.Conn
	in  *bufio.Reader
	out []byte
}

func dial(ctx context.Context, address string) (*connection, error) {
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &connection{Conn: c, in: bufio.NewReaderSize(c, 64<<10)}, nil
}

// get asks for a path and reads the answer to its end. Anything but 200 is an
// error.
func (c *connection) get(path string) error {
	c.out = append(append(append(c.out[:0], "GET "...), path...), " HTTP/1.1\r\nHost: bench\r\nAccept: text/html\r\n\r\n"...)
	if _, err := c.Write(c.out); err != nil {
		return err
	}
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200")) {
		return fmt.Errorf("GET %s: %s", path, bytes.TrimSpace(status))
	}
	length, err := c.head()
	if err != nil {
		return err
	}
	if length >= 0 {
		_, err = c.in.Discard(length)
		return err
	}
	return c.chunks()
}

// head reads the header fields; the length is -1 when the body comes in chunks.
func (c *connection) head() (length int, err error) {
	length = -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			return length, nil
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
}

func (c *connection) chunks() error {
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := c.in.Discard(int(n) + 2); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

// body is the whole answer to one request, by the plain client.
func body(ctx context.Context, url string) ([]byte, error) {
	response, err := getOnce(ctx, url)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		return nil, fmt.Errorf("GET %s: %s", url, response.Status)
	}
	return io.ReadAll(response.Body)
}
