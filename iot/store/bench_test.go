package store

import (
	"path/filepath"
	"sync"
	"testing"

	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/shared/readmodel"
)

// BenchmarkIntake is one value a message, a thousand messages in flight, each
// durable.
func BenchmarkIntake(b *testing.B) {
	db, err := readmodel.Open(b.Context(), "sqlite:"+filepath.Join(b.TempDir(), "readings.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	s := open(b, db)
	flight := make(chan struct{}, 1000)
	var wait sync.WaitGroup
	messages := make([]iot.Message, b.N)
	for i := range messages {
		messages[i] = message(i, warm(i, 4.5))
	}
	b.ResetTimer()
	for i := range messages {
		flight <- struct{}{}
		wait.Add(1)
		m := messages[i]
		m.Done = func(err error) {
			if err != nil {
				b.Error(err)
			}
			<-flight
			wait.Done()
		}
		s.Take(m)
	}
	wait.Wait()
}
