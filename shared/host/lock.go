package host

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockData takes the data folder for this process. The system gives it back
// when the process ends, however it ends.
func (h *Host) lockData() error {
	file, err := os.OpenFile(h.Config.path("host.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("lock the data folder: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		file.Close()
		return fmt.Errorf("%w: %s", ErrRunning, h.Config.Data)
	}
	if err != nil {
		file.Close()
		return fmt.Errorf("lock the data folder: %w", err)
	}
	h.lock = file
	return nil
}

// ErrRunning says that another process holds the data folder.
var ErrRunning = errors.New("another Tallyway runs on this data folder")
