package sparkplug

import (
	"strings"

	"github.com/tallyway/tallyway/iot"
)

// Channel is the channel that a metric's name stands for: the last part that
// names a kind names it, and what follows is its place. "Temperature" is
// temperature, "Sensors/Temperature/rear" is temperature.rear, "Properties/Model"
// is none.
func Channel(name string) (string, bool) {
	parts := strings.Split(strings.ToLower(name), "/")
	for i := range parts {
		parts[i] = strings.Map(func(r rune) rune {
			if r == ' ' || r == '_' {
				return '-'
			}
			return r
		}, strings.TrimSpace(parts[i]))
	}
	for i := len(parts) - 1; i >= 0; i-- {
		if _, ok := iot.KindOf(parts[i]); !ok {
			continue
		}
		if i == len(parts)-1 {
			return parts[i], true
		}
		channel := parts[i] + "." + strings.Join(parts[i+1:], "-")
		_, ok := iot.KindOf(channel)
		return channel, ok
	}
	return "", false
}
