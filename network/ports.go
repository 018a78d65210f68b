package network

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
)

// Ports that a test may take: below those that the system gives to outgoing
// connections.
const (
	firstFreePort = 17000
	lastFreePort  = 31000
)

// claimed keeps the files open whose locks say which ports this program has
// taken, so that tests of several packages at once do not choose the same.
var claimed struct {
	sync.Mutex
	files []*os.File
}

// OnFreePorts is the same network on ports of 127.0.0.1 that nobody uses, for
// tests. They stay this program's until it ends.
func (d Definition) OnFreePorts() (Definition, error) {
	d.Organisations = slices.Clone(d.Organisations)
	for i := range d.Organisations {
		port, err := claimPorts()
		if err != nil {
			return d, err
		}
		d.Organisations[i].Host, d.Organisations[i].Port = "127.0.0.1", port
	}
	return d, nil
}

func claimPorts() (first int, err error) {
	claimed.Lock()
	defer claimed.Unlock()
	dir := filepath.Join(os.TempDir(), "tallyway-ports")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return 0, err
	}
	for range 1000 {
		first := firstFreePort + portsEach*rand.IntN((lastFreePort-firstFreePort)/portsEach)
		lock, err := os.OpenFile(filepath.Join(dir, strconv.Itoa(first)), os.O_CREATE|os.O_RDWR, 0o666)
		if err != nil {
			return 0, err
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && allFree(first) {
			claimed.files = append(claimed.files, lock)
			return first, nil
		}
		lock.Close()
	}
	return 0, fmt.Errorf("no %d free ports in a row between %d and %d", portsEach, firstFreePort, lastFreePort)
}

func allFree(first int) bool {
	for port := first; port < first+portsEach; port++ {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return false
		}
		l.Close()
	}
	return true
}
