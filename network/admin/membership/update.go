package membership

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang/protobuf/proto"
	"github.com/hyperledger/fabric-protos-go/common"
	mspproto "github.com/hyperledger/fabric-protos-go/msp"
	"github.com/hyperledger/fabric-sdk-go/pkg/client/resmgmt"
	mspctx "github.com/hyperledger/fabric-sdk-go/pkg/common/providers/msp"

	"github.com/tallyway/tallyway/network/admin/session"
)

// patience is how long orderers and peers may take to adopt a configuration.
const patience = 30 * time.Second

// ErrMember says that there is nothing to change.
var ErrMember = errors.New("the organisation is a member already")

// Update is a change of the channel's configuration with the signatures that
// it has. Its file is the envelope that Fabric's own tools sign and send.
type Update struct {
	Channel    string
	change     []byte // common.ConfigUpdate
	signatures []*common.ConfigSignature
}

// Propose computes the change that lets a newcomer in, and its orderer if it
// is to order as well.
func Propose(ctx context.Context, s *session.Session, n Newcomer, withOrderer bool) (*Update, error) {
	a, err := s.Admin(s.Members[0])
	if err != nil {
		return nil, err
	}
	current, err := Current(ctx, a)
	if err != nil {
		return nil, err
	}
	next, err := n.admit(current, withOrderer)
	if err != nil {
		return nil, err
	}
	if proto.Equal(current, next) {
		return nil, ErrMember
	}
	change, err := resmgmt.CalculateConfigUpdate(s.Channel, current, next)
	if err != nil {
		return nil, err
	}
	u := &Update{Channel: s.Channel}
	u.change, err = proto.Marshal(change)
	return u, err
}

// Current is the channel's configuration as an orderer has it.
func Current(ctx context.Context, a *session.Admin) (*common.Config, error) {
	block, err := a.ConfigBlock(ctx)
	if err != nil {
		return nil, err
	}
	text, err := proto.Marshal(block)
	if err != nil {
		return nil, err
	}
	return configOf(text)
}

// Orderers are the addresses, host:port, of those who order the channel.
func Orderers(ctx context.Context, s *session.Session) ([]string, error) {
	a, err := s.Admin(s.Members[0])
	if err != nil {
		return nil, err
	}
	config, err := Current(ctx, a)
	if err != nil {
		return nil, err
	}
	nodes, err := consentersOf(config)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, c := range nodes.Mapping {
		all = append(all, net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))))
	}
	return all, nil
}

// Read reads an update from its file's bytes.
func Read(file []byte) (*Update, error) {
	var envelope common.Envelope
	var payload common.Payload
	var header common.ChannelHeader
	var update common.ConfigUpdateEnvelope
	err := errors.Join(proto.Unmarshal(file, &envelope), proto.Unmarshal(envelope.Payload, &payload))
	if err == nil && payload.Header == nil {
		err = errors.New("it has no header")
	}
	if err == nil {
		err = errors.Join(proto.Unmarshal(payload.Header.ChannelHeader, &header), proto.Unmarshal(payload.Data, &update))
	}
	if err == nil && header.Type != int32(common.HeaderType_CONFIG_UPDATE) {
		err = errors.New("it is of another type")
	}
	if err != nil {
		return nil, fmt.Errorf("this is not a change of a configuration: %w", err)
	}
	return &Update{header.ChannelId, update.ConfigUpdate, update.Signatures}, nil
}

// Bytes are the update's file.
func (u *Update) Bytes() ([]byte, error) {
	header, err := proto.Marshal(&common.ChannelHeader{Type: int32(common.HeaderType_CONFIG_UPDATE), ChannelId: u.Channel})
	if err != nil {
		return nil, err
	}
	data, err := proto.Marshal(&common.ConfigUpdateEnvelope{ConfigUpdate: u.change, Signatures: u.signatures})
	if err != nil {
		return nil, err
	}
	payload, err := proto.Marshal(&common.Payload{Header: &common.Header{ChannelHeader: header}, Data: data})
	if err != nil {
		return nil, err
	}
	return proto.Marshal(&common.Envelope{Payload: payload})
}

// Ordering tells whether the update changes who orders, which the orderers'
// administrators decide.
func (u *Update) Ordering() (bool, error) {
	var change common.ConfigUpdate
	if err := proto.Unmarshal(u.change, &change); err != nil {
		return false, err
	}
	_, touched := change.GetWriteSet().GetGroups()[ordering]
	return touched, nil
}

// Signers are the MSPs whose administrators have signed, in order.
func (u *Update) Signers() ([]string, error) {
	var signers []string
	for _, s := range u.signatures {
		var header common.SignatureHeader
		var creator mspproto.SerializedIdentity
		if err := proto.Unmarshal(s.SignatureHeader, &header); err != nil {
			return nil, err
		}
		if err := proto.Unmarshal(header.Creator, &creator); err != nil {
			return nil, err
		}
		signers = append(signers, creator.Mspid)
	}
	slices.Sort(signers)
	return slices.Compact(signers), nil
}

// Sign adds the signatures of the profile's administrators, and of their
// orderers' where the update changes who orders.
func (u *Update) Sign(s *session.Session) error {
	if u.Channel != s.Channel {
		return fmt.Errorf("the change is of channel %s, the profile of %s", u.Channel, s.Channel)
	}
	file, err := u.Bytes()
	if err != nil {
		return err
	}
	ordering, err := u.Ordering()
	if err != nil {
		return err
	}
	signed, err := u.Signers()
	if err != nil {
		return err
	}
	for _, m := range s.Members {
		a, err := s.Admin(m)
		if err != nil {
			return err
		}
		identities := []mspctx.SigningIdentity{a.Identity}
		if ordering && m.Orderer.Admin.Cert != "" {
			orderers, err := s.OrderersAdmin(m)
			if err != nil {
				return err
			}
			identities = append(identities, orderers)
		}
		for _, identity := range identities {
			if slices.Contains(signed, identity.Identifier().MSPID) {
				continue
			}
			signature, err := a.CreateConfigSignatureFromReader(identity, bytes.NewReader(file))
			if err != nil {
				return fmt.Errorf("%s: sign: %w", identity.Identifier().MSPID, err)
			}
			u.signatures = append(u.signatures, signature)
		}
	}
	return nil
}

// Short says whose signatures are missing to a majority; nobody's is "".
func (u *Update) Short(current *common.Config) (string, error) {
	signers, err := u.Signers()
	if err != nil {
		return "", err
	}
	touches, err := u.Ordering()
	if err != nil {
		return "", err
	}
	var short []string
	for _, group := range []string{application, ordering} {
		if group == ordering && !touches {
			continue
		}
		all := members(current, group)
		missing := slices.DeleteFunc(slices.Clone(all), func(m string) bool { return slices.Contains(signers, m) })
		if have := len(all) - len(missing); 2*have <= len(all) {
			short = append(short, fmt.Sprintf("%d of %d have signed; still to sign: %s", have, len(all), strings.Join(missing, ", ")))
		}
	}
	return strings.Join(short, "; "), nil
}

// Submit hands the update to the orderers and waits until it is in force on
// the peers of the profile's members.
func Submit(ctx context.Context, s *session.Session, u *Update) error {
	a, err := s.Admin(s.Members[0])
	if err != nil {
		return err
	}
	before, err := Current(ctx, a)
	if err != nil {
		return err
	}
	short, err := u.Short(before)
	if err != nil {
		return err
	}
	if short != "" {
		return fmt.Errorf("a majority of administrators has to sign the change: %s", short)
	}
	file, err := u.Bytes()
	if err != nil {
		return err
	}
	err = a.AtOrderers(func(orderer resmgmt.RequestOption) error {
		request := resmgmt.SaveChannelRequest{ChannelID: u.Channel, ChannelConfig: bytes.NewReader(file)}
		_, err := a.SaveChannel(request, orderer, resmgmt.WithConfigSignatures(u.signatures...), resmgmt.WithParentContext(ctx))
		return err
	})
	if err != nil {
		// One that took it and did not say so makes the next refuse it as stale.
		if now, e := Current(ctx, a); e == nil && now.Sequence > before.Sequence {
			return nil
		}
		return fmt.Errorf("the orderers refuse the change: %w", err)
	}
	return await(ctx, a, before.Sequence+1)
}

// await waits until the orderers are at a configuration. Peers follow them.
func await(ctx context.Context, a *session.Admin, sequence uint64) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	for {
		now, err := Current(ctx, a)
		if err == nil && now.Sequence >= sequence {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("the change was handed over, but is not in force"), err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
