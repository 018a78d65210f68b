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

// load is so many workers at once, each with its next request as soon as it has
// the answer to the last.
type load struct {
	workers int
	// begin readies one worker, and gives what it does for the n-th request of all.
	begin func(ctx context.Context) (ask func(n uint64) error, end func() error, err error)
}

// crowd asks as fast as the workers can, and gives answers a second.
func (l load) crowd(ctx context.Context, spell time.Duration) (float64, error) {
	var n atomic.Uint64
	begun := time.Now()
	err := l.each(ctx, func(ask func(uint64) error) error {
		for time.Since(begun) < spell {
			if err := ask(n.Add(1) - 1); err != nil {
				return err
			}
		}
		return nil
	})
	return float64(n.Load()) / time.Since(begun).Seconds(), err
}

// tour makes so many requests.
func (l load) tour(ctx context.Context, requests uint64) error {
	var n atomic.Uint64
	return l.each(ctx, func(ask func(uint64) error) error {
		for k := n.Add(1) - 1; k < requests; k = n.Add(1) - 1 {
			if err := ask(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// stream asks at a constant rate and gives the 99th percentile of the time
// from when a request was due to when its answer was there, in seconds: who
// stalls cannot hide it by slowing those who ask down.
func (l load) stream(ctx context.Context, spell time.Duration, perSecond float64) (float64, error) {
	var n atomic.Uint64
	var mu sync.Mutex
	var times []float64
	begun := time.Now()
	err := l.each(ctx, func(ask func(uint64) error) error {
		var own []float64
		for {
			k := n.Add(1) - 1
			due := begun.Add(time.Duration(float64(k) / perSecond * float64(time.Second)))
			if due.Sub(begun) > spell {
				break
			}
			time.Sleep(time.Until(due))
			if err := ask(k); err != nil {
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

func (l load) each(ctx context.Context, work func(ask func(uint64) error) error) error {
	failures := make([]error, l.workers)
	var group sync.WaitGroup
	for i := range l.workers {
		group.Go(func() {
			ask, end, err := l.begin(ctx)
			if err != nil {
				failures[i] = err
				return
			}
			failures[i] = errors.Join(work(ask), end())
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

// visits is the load on a web server over so many kept connections; path is of
// the n-th request, and called by many at once.
func visits(address string, connections int, path func(n uint64) string) load {
	return load{connections, func(ctx context.Context) (func(uint64) error, func() error, error) {
		c, err := dial(ctx, address)
		if err != nil {
			return nil, nil, err
		}
		return func(n uint64) error { return c.get(path(n)) }, c.Close, nil
	}}
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
	return c.getWith(path, "Accept: text/html\r\nSec-Fetch-Dest: document\r\nUser-Agent: Mozilla/5.0 (Linux; Android 15; Mobile)\r\n")
}

// getWith sends further header fields.
func (c *connection) getWith(path, fields string) error {
	c.out = append(append(append(append(append(c.out[:0], "GET "...), path...), " HTTP/1.1\r\nHost: bench\r\n"...), fields...), "\r\n"...)
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
