package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/tallyway/tallyway/cmd/tallyway/demo"
	"github.com/tallyway/tallyway/iot"
	"github.com/tallyway/tallyway/iot/simulator"
	"github.com/tallyway/tallyway/shared/host"
	"github.com/tallyway/tallyway/shared/identity/accounts"
)

// simulation is what the command was asked for.
type simulation struct {
	server, token, user, broker string
	devices                     int
	play                        simulator.Play
	interval, past, duration    time.Duration
	set, loss                   float64
	fails, cbor                 bool
	seed                        uint64
}

// simulate plays sensors against a running server: those that the company has,
// or as many as are asked for.
func simulate(ctx context.Context, args []string, out io.Writer) error {
	var s simulation
	config, err := parse("simulate", args, func(f *flag.FlagSet) {
		f.StringVar(&s.server, "server", "", "address of the server (default: the one on the data folder)")
		f.StringVar(&s.token, "token", os.Getenv("TALLYWAY_TOKEN"), "API token of an administrator of the company ($TALLYWAY_TOKEN)")
		f.StringVar(&s.user, "user", "", "on the server's own machine, instead of a token: whose devices play, a login name")
		f.StringVar(&s.broker, "broker", "", "MQTT broker, mqtt://… or mqtts://… (default: the server's)")
		f.IntVar(&s.devices, "devices", 0, "how many play; those that are missing are registered (default: those there are)")
		f.DurationVar(&s.interval, "interval", 10*time.Second, "time between two readings")
		f.DurationVar(&s.past, "past", 0, "how far back it begins")
		f.DurationVar(&s.duration, "duration", 0, "how long it plays (default: until it is stopped)")
		f.Float64Var(&s.play.Speed, "speed", 1, "how much faster messages are sent than the interval says")
		f.Float64Var(&s.play.Duplicates, "duplicates", 0.05, "share of messages that are sent twice")
		f.Float64Var(&s.play.Shuffled, "shuffled", 0.02, "share of messages that are sent behind the next")
		f.Float64Var(&s.loss, "loss", 0.02, "share of time without readings")
		f.Float64Var(&s.set, "set", 4, "°C that compressors hold")
		f.BoolVar(&s.fails, "fails", false, "the first device's compressor fails at once")
		f.BoolVar(&s.cbor, "cbor", false, "send SenML as CBOR")
		f.Uint64Var(&s.seed, "seed", 1, "the same seed tells the same story")
	})
	if err != nil {
		return err
	}
	if err := s.reach(ctx, config); err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	if err := s.cast(ctx); err != nil {
		return fmt.Errorf("simulate: %w", err)
	}
	if s.duration > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, s.duration)
		defer stop()
	}
	fmt.Fprintf(out, "%d devices play against %s\n", len(s.play.Devices), s.play.Broker)
	err = s.play.Run(ctx)
	fmt.Fprintf(out, "%d messages were acknowledged\n", s.play.Sent())
	return err
}

// reach finds the server, and a token of its own where the data folder is at hand.
func (s *simulation) reach(ctx context.Context, config host.Config) error {
	if s.server == "" {
		answer, err := host.Call(ctx, config.Data, "GET", "/status", nil)
		if err != nil {
			return fmt.Errorf("find the server of %s, or name it with --server: %w", config.Data, err)
		}
		defer answer.Close()
		var status struct{ Address string }
		if err := json.NewDecoder(answer).Decode(&status); err != nil {
			return err
		}
		s.server = status.Address
	}
	if s.token != "" {
		return nil
	}
	if s.user == "" {
		return errors.New("say whose devices play, with --token, or with --user on the server's machine")
	}
	people, err := host.OpenAccounts(ctx, config)
	if err != nil {
		return err
	}
	defer people.Close()
	s.token, _, err = people.CreateToken(ctx, s.user, "tallyway simulate", []accounts.Scope{accounts.Write}, 24*time.Hour)
	return err
}

// cast gives each device its part.
func (s *simulation) cast(ctx context.Context) error {
	var list struct {
		Items []struct {
			Owner, Name string
			Ended       *time.Time
			Channels    []struct{ Name string }
		}
	}
	if err := demo.Ask(ctx, "GET", s.server+"/api/devices?limit=500", s.token, nil, &list); err != nil {
		return err
	}
	for _, d := range list.Items {
		if d.Ended != nil || len(d.Channels) == 0 || s.devices > 0 && len(s.play.Devices) == s.devices {
			continue
		}
		var channels []string
		for _, c := range d.Channels {
			channels = append(channels, c.Name)
		}
		if err := s.enter(ctx, iot.ID{Party: d.Owner, Name: d.Name}, channels); err != nil {
			return err
		}
	}
	for n := 1; len(s.play.Devices) < s.devices; n++ {
		if err := s.register(ctx, n); err != nil {
			return err
		}
	}
	if len(s.play.Devices) == 0 {
		return errors.New("the company has no devices yet: say how many are to be registered, with --devices")
	}
	return nil
}

// register puts a device on record under the next number that is free.
func (s *simulation) register(ctx context.Context, n int) error {
	name := fmt.Sprintf("sim-%d", n)
	var made struct{ Reply struct{ Owner string } }
	err := demo.Ask(ctx, "POST", s.server+"/api/devices", s.token, map[string]any{"name": name, "title": "Simulated " + fmt.Sprint(n), "type": "logger", "interval": int(max(s.interval, time.Second).Seconds()),
		"channels": []any{map[string]any{"name": "temperature", "unit": "CEL", "low": "2", "high": "7", "grace": 600}, map[string]any{"name": "door", "unit": ""}}}, &made)
	if err != nil {
		return err
	}
	return s.enter(ctx, iot.ID{Party: made.Reply.Owner, Name: name}, []string{"temperature", "door"})
}

func (s *simulation) enter(ctx context.Context, id iot.ID, channels []string) error {
	password, broker, err := demo.DevicePassword(ctx, s.server, s.token, id)
	if err != nil {
		return fmt.Errorf("give %s a password: %w", id, err)
	}
	if s.play.Broker = s.broker; s.broker == "" {
		s.play.Broker = "mqtt://" + broker
	}
	plan := simulator.Fridge(s.set)
	plan.Channels, plan.Loss = channels, s.loss
	if s.fails && len(s.play.Devices) == 0 {
		plan.Fails = time.Now()
	}
	s.play.Devices = append(s.play.Devices, simulator.Device{ID: id, Password: password, Interval: s.interval, Plan: plan, Seed: s.seed + uint64(len(s.play.Devices)), Past: s.past, CBOR: s.cbor})
	return nil
}
