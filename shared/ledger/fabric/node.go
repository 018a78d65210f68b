package fabric

import (
	"errors"
	"fmt"
	"time"

	"github.com/hyperledger/fabric-gateway/pkg/client"
	"github.com/hyperledger/fabric-gateway/pkg/hash"
	"github.com/hyperledger/fabric-protos-go-apiv2/msp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/protobuf/proto"

	"github.com/tallyway/tallyway/shared/ledger"
)

// nodes are the connections to the peers of the members for whom the host
// acts. A member relies on its own peers only: they are what it trusts, and
// what its confidential commands may be shown to. Who cannot afford to lose
// one runs two.
type nodes struct {
	byOrg map[string][]*grpc.ClientConn
	order []string
}

// largestMessage bounds what a peer may send: a block, which the channel bounds
// to ten megabytes, with room.
const largestMessage = 32 << 20

func connect(p Profile) (*nodes, error) {
	n := &nodes{byOrg: map[string][]*grpc.ClientConn{}}
	for _, m := range p.Members {
		n.order = append(n.order, m.MSP)
		for _, node := range p.peers[m.MSP] {
			conn, err := grpc.NewClient(node.address,
				grpc.WithTransportCredentials(credentials.NewClientTLSFromCert(node.roots, node.override)),
				grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(largestMessage)),
				grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 70 * time.Second, Timeout: 10 * time.Second}),
				grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: 3 * time.Second,
					Backoff: backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second}}))
			if err != nil {
				return nil, errors.Join(fmt.Errorf("connect to the peer %s: %w", node.name, err), n.close())
			}
			n.byOrg[m.MSP] = append(n.byOrg[m.MSP], conn)
		}
	}
	return n, nil
}

// conn is a connection to a peer of the organisation, one that works if there
// is one.
func (n *nodes) conn(org string) (*grpc.ClientConn, error) {
	conns := n.byOrg[org]
	if len(conns) == 0 {
		return nil, fmt.Errorf("this host does not act for %s: its profile names %v", org, n.order)
	}
	for _, c := range conns {
		if c.GetState() != connectivity.TransientFailure {
			return c, nil
		}
	}
	return conns[0], nil
}

func (n *nodes) close() error {
	var err error
	for _, conns := range n.byOrg {
		for _, c := range conns {
			err = errors.Join(err, c.Close())
		}
	}
	return err
}

// gateway speaks to the gateway service of an organisation's peer, in the
// signer's name.
func (n *nodes) gateway(org string, s ledger.Signer) (*client.Gateway, error) {
	var id msp.SerializedIdentity
	if err := proto.Unmarshal(s.Creator(), &id); err != nil {
		return nil, fmt.Errorf("read the creator: %w", err)
	}
	conn, err := n.conn(org)
	if err != nil {
		return nil, err
	}
	return client.Connect(holder{&id}, client.WithSign(s.Sign), client.WithHash(hash.NONE), // Signer digests itself
		client.WithClientConnection(conn))
}

// holder is an identity as the gateway's client wants it.
type holder struct{ id *msp.SerializedIdentity }

func (h holder) MspID() string       { return h.id.Mspid }
func (h holder) Credentials() []byte { return h.id.IdBytes }
