package network

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hyperledger/fabric-protos-go-apiv2/gateway"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"
)

// Ready waits until every process that runs here is ready to work: healthy,
// answering its clients, and the peers of a channel know each other again.
func (n *Network) Ready(ctx context.Context) error {
	all, err := n.processes()
	if err != nil {
		return err
	}
	for _, p := range all {
		if err := n.await(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// slowest is how long a process may take to become ready where the caller sets
// no sooner end.
const slowest = time.Minute

// await waits for one process; it does not wait for a process that has ended.
func (n *Network) await(ctx context.Context, p process) error {
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	for start := time.Now(); ; {
		alive := n.pid(p.name) != 0
		err := n.ask(ctx, p)
		if errors.Is(err, errBehind) && time.Since(start) > catchUp {
			err = nil
		}
		if err == nil && alive {
			return nil
		}
		if !alive {
			return fmt.Errorf("%s has ended; the last it said:\n%s", p.name, n.lastWords(p.name))
		}
		if ended := pause(ctx); ended != nil {
			return fmt.Errorf("%s is not ready (%w): %w; the last it said:\n%s", p.name, ended, err, n.lastWords(p.name))
		}
	}
}

// ask asks a process once whether it is ready.
func (n *Network) ask(ctx context.Context, p process) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	switch p.kind() {
	case "orderer":
		if err := healthy(ctx, p.org.local(ordererHealthPort)); err != nil {
			return err
		}
		return n.inStep(ctx, p.org)
	case "peer":
		if err := healthy(ctx, p.org.local(peerHealthPort)); err != nil {
			return err
		}
		if err := n.gatewayAnswers(ctx, p.org); err != nil {
			return err
		}
		return n.knowsOthers(ctx, p.org)
	default:
		return n.serviceAnswers(ctx, p)
	}
}

var plain = &http.Client{Timeout: 3 * time.Second}

func healthy(ctx context.Context, address string) error {
	body, err := get(ctx, plain, "http://"+address+"/healthz")
	if err != nil {
		return err
	}
	return body.Close()
}

func get(ctx context.Context, client *http.Client, url string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1000))
		return nil, statusError{answer.StatusCode, fmt.Sprintf("%s: %s %s", url, answer.Status, strings.TrimSpace(string(text)))}
	}
	return answer.Body, nil
}

type statusError struct {
	code int
	text string
}

func (e statusError) Error() string { return e.text }

// ordererHeight asks the orderer's administration for the channel's height: 0
// where it has not joined.
func (n *Network) ordererHeight(ctx context.Context, o Organisation) (uint64, error) {
	client, err := n.keys(o).client("users/Participation")
	if err != nil {
		return 0, err
	}
	transport := &http.Transport{TLSClientConfig: client}
	defer transport.CloseIdleConnections()
	body, err := get(ctx, &http.Client{Transport: transport}, o.Participation()+"/participation/v1/channels/"+n.definition.Channel)
	if not := (statusError{}); errors.As(err, &not) && not.code == http.StatusNotFound {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer body.Close()
	var channel struct{ Height uint64 }
	return channel.Height, json.NewDecoder(body).Decode(&channel)
}

// catchUp is how long an orderer is waited for that works and lacks blocks: it
// may get the last one only with the next transaction.
const catchUp = 10 * time.Second

var errBehind = errors.New("it lacks blocks")

// inStep wants an orderer that is on the channel to have every block that
// others here have. One that is a block behind cannot help to replace a leader:
// the next failure would cost half a minute.
func (n *Network) inStep(ctx context.Context, o Organisation) error {
	var others uint64
	for _, other := range n.here() {
		if other.Name == o.Name || n.pid(other.Orderer()) == 0 {
			continue
		}
		if height, err := n.ordererHeight(ctx, other); err == nil { // it may be starting itself
			others = max(others, height)
		}
	}
	height, err := n.ordererHeight(ctx, o)
	if err == nil && height > 0 && height < others {
		err = fmt.Errorf("%w: %d of %d", errBehind, height, others)
	}
	return err
}

// client is how one of the organisation speaks TLS to another of it.
func (k keys) client(who string) (*tls.Config, error) {
	cert, err := tls.LoadX509KeyPair(k.TLSCert(who), k.TLSKey(who))
	if err != nil {
		return nil, err
	}
	roots, err := os.ReadFile(k.TLSAuthority())
	if err != nil {
		return nil, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, RootCAs: x509.NewCertPool(), NextProtos: []string{"h2"}}
	config.RootCAs.AppendCertsFromPEM(roots)
	return config, nil
}

// gatewayAnswers sends the peer's gateway an empty question: it is refused as
// one that makes no sense, by a gateway that works.
func (n *Network) gatewayAnswers(ctx context.Context, o Organisation) error {
	config, err := n.keys(o).client("peer")
	if err != nil {
		return err
	}
	connection, err := grpc.NewClient(o.PeerAddress(), grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		return err
	}
	defer connection.Close()
	_, err = gateway.NewGatewayClient(connection).Evaluate(ctx, &gateway.EvaluateRequest{})
	if status.Code(err) == codes.InvalidArgument {
		return nil
	}
	return fmt.Errorf("the gateway: %w", err)
}

// knowsOthers wants a peer that is on the channel to see every other peer that
// runs here: until then it finds nobody to endorse.
func (n *Network) knowsOthers(ctx context.Context, o Organisation) error {
	metrics, err := peerMetrics(ctx, o, n.definition.Channel)
	if err != nil || metrics.height == 0 {
		return err
	}
	others := 0
	for _, other := range n.here() {
		if other.Name != o.Name && n.pid(other.Peer()) != 0 {
			others++
		}
	}
	if metrics.known < others {
		return fmt.Errorf("it knows %d of %d other peers", metrics.known, others)
	}
	return nil
}

// peerState is what a peer counts about its channel.
type peerState struct {
	height uint64
	known  int
}

func peerMetrics(ctx context.Context, o Organisation, channel string) (s peerState, err error) {
	body, err := get(ctx, plain, "http://"+o.local(peerHealthPort)+"/metrics")
	if err != nil {
		return s, err
	}
	defer body.Close()
	label := fmt.Sprintf("{channel=%q} ", channel)
	for lines := bufio.NewScanner(body); lines.Scan(); {
		name, value, found := strings.Cut(lines.Text(), label)
		number, err := strconv.ParseFloat(value, 64)
		switch {
		case !found || err != nil:
		case name == "ledger_blockchain_height":
			s.height = uint64(number)
		case name == "gossip_membership_total_peers_known":
			s.known = int(number)
		}
	}
	return s, nil
}

// serviceAnswers shakes hands with a contract service as its peer would.
func (n *Network) serviceAnswers(ctx context.Context, p process) error {
	config, err := n.keys(p.org).client("peer")
	if err != nil {
		return err
	}
	config.ServerName, _, err = net.SplitHostPort(p.address)
	if err != nil {
		return err
	}
	connection, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", p.address)
	if err != nil {
		return err
	}
	return connection.Close()
}
