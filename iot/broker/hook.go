package broker

import (
	"bytes"
	"context"
	"crypto/tls"
	"log/slog"
	"slices"
	"strings"

	mqtt "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/iot"
)

// hook is what the broker decides by itself.
type hook struct {
	mqtt.HookBase
	broker *Broker
}

// ID names the hook.
func (h *hook) ID() string { return "tallyway" }

var provided = []byte{mqtt.OnConnectAuthenticate, mqtt.OnACLCheck, mqtt.OnPublish, mqtt.OnWillSent, mqtt.OnDisconnect}

// Provides says what the hook takes part in.
func (h *hook) Provides(b byte) bool { return slices.Contains(provided, b) }

// OnConnectAuthenticate lets devices in, by their certificate or by their
// password.
func (h *hook) OnConnectAuthenticate(cl *mqtt.Client, pk packets.Packet) bool {
	id, ok := h.who(cl, pk)
	if !ok {
		told, _ := iot.ParseID(string(pk.Connect.Username))
		h.refuse(told, "", nil, iot.ErrSignIn.Refuse("%s", printable(pk.Connect.Username)))
		return false
	}
	h.broker.mu.Lock()
	defer h.broker.mu.Unlock()
	h.broker.sessions[cl] = &session{id: id, client: cl}
	return true
}

func (h *hook) who(cl *mqtt.Client, pk packets.Packet) (id iot.ID, ok bool) {
	door := h.broker.config.Door
	if conn, secure := cl.Net.Conn.(*tls.Conn); secure && len(pk.Connect.Username) == 0 {
		if shown := conn.ConnectionState().PeerCertificates; len(shown) > 0 {
			id, ok = iot.ParseID(shown[0].Subject.CommonName)
			return id, ok && door.Holds(id, shown[0])
		}
	}
	if id, ok = iot.ParseID(string(pk.Connect.Username)); !ok {
		return iot.ID{}, false
	}
	return id, door.Admit(id, pk.Connect.Password)
}

// printable is a name that a stranger gave.
func printable(name []byte) string {
	return strings.ToValidUTF8(string(name[:min(len(name), 100)]), "\uFFFD")
}

// OnACLCheck keeps what devices hear to commands to themselves. What they say
// is looked at with its payload, in OnPublish.
func (h *hook) OnACLCheck(cl *mqtt.Client, topic string, write bool) bool {
	s := h.broker.session(cl)
	if write || s == nil {
		return s != nil
	}
	if hears(s.id, topic) {
		return true
	}
	h.refuse(s.id, topic, nil, iot.ErrNotYourTopic.Refuse("%s subscribes to %s", s.id, topic))
	return false
}

// hears tells whether a filter is about commands to the device only.
func hears(id iot.ID, filter string) bool {
	parts := strings.Split(filter, "/")
	if len(parts) >= 4 && parts[0] == iot.SparkplugPrefix {
		return parts[1] == id.Party && (parts[2] == "NCMD" || parts[2] == "DCMD") && parts[3] == id.Name
	}
	return len(parts) >= 4 && parts[0] == iot.Prefix && parts[1] == id.Party && parts[2] == id.Name && parts[3] == "cmd"
}

// OnPublish hands a message on, and keeps its answer back until it is durable.
func (h *hook) OnPublish(cl *mqtt.Client, pk packets.Packet) (packets.Packet, error) {
	s := h.broker.session(cl)
	if s == nil { // the host's own commands
		return pk, nil
	}
	if no := speaks(s.id, pk.TopicName); no != nil {
		h.refuse(s.id, pk.TopicName, pk.Payload, no)
		if cl.Properties.ProtocolVersion >= 5 && pk.FixedHeader.Qos == 1 {
			return pk, packets.ErrNotAuthorized
		}
		if pk.FixedHeader.Qos > 0 { // MQTT 3.1.1 has no other word for no, section 3.3.5
			cl.Stop(packets.ErrNotAuthorized)
		}
		return pk, packets.ErrRejectPacket
	}
	m := iot.Message{Topic: pk.TopicName, Payload: bytes.Clone(pk.Payload), By: s.id, Received: h.broker.config.Clock(), Done: func(error) {}}
	switch packet := pk.PacketID; pk.FixedHeader.Qos {
	case 1:
		m.Done = func(err error) {
			if err == nil {
				s.answer(packets.Puback, packet)
			}
		}
	case 2:
		m.Done = func(err error) {
			if err == nil { // from now on a repeat is known by its number, and PUBREL finds it
				cl.State.Inflight.Set(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Pubrec}, PacketID: packet})
				s.answer(packets.Pubrec, packet)
			}
		}
	}
	h.broker.config.Sink.Take(m)
	return pk, packets.ErrRejectPacket // nobody else hears it, and mochi answers nothing
}

// speaks is nil for a topic that the device may publish under.
func speaks(id iot.ID, topic string) *chaincode.Refusal {
	t, err := iot.ParseTopic(topic)
	switch {
	case err != nil:
		return iot.ErrTopic.Refuse("%s", topic[:min(len(topic), 200)])
	case t.Edge != id || t.Verb == "NCMD" || t.Verb == "DCMD":
		return iot.ErrNotYourTopic.Refuse("%s publishes as %s", id, t.Edge)
	}
	return nil
}

// OnWillSent takes a last will as a message: Sparkplug's NDEATH is one.
func (h *hook) OnWillSent(cl *mqtt.Client, pk packets.Packet) {
	s := h.broker.session(cl)
	if s == nil {
		return
	}
	if no := speaks(s.id, pk.TopicName); no != nil {
		h.refuse(s.id, pk.TopicName, pk.Payload, no)
		return
	}
	go h.broker.config.Sink.Take(iot.Message{Topic: pk.TopicName, Payload: bytes.Clone(pk.Payload), By: s.id, Received: h.broker.config.Clock(), Done: func(error) {}})
}

// OnDisconnect forgets the connection.
func (h *hook) OnDisconnect(cl *mqtt.Client, _ error, _ bool) {
	h.broker.mu.Lock()
	defer h.broker.mu.Unlock()
	delete(h.broker.sessions, cl)
}

// refuse puts what was refused where people see it.
func (h *hook) refuse(by iot.ID, topic string, payload []byte, no *chaincode.Refusal) {
	h.broker.config.Sink.Take(iot.Message{Topic: topic, Payload: bytes.Clone(payload), By: by, Received: h.broker.config.Clock(), Refused: no, Done: func(error) {}})
}

// quiet keeps a library's everyday talk out of the log: what devices do wrong is
// among the dead letters.
type quiet struct{ slog.Handler }

// Enabled lets through what the host itself must know.
func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level > slog.LevelError && q.Handler.Enabled(ctx, level)
}
