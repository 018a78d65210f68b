// Package participation asks an orderer to join channels, over Fabric's
// channel participation API: REST, with the administrator's TLS certificate
// for authority. fabric-sdk-go is older than this API.
package participation

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/tallyway/tallyway/network/admin/profile"
)

// Active is the status of an orderer that has caught up with the channel.
const Active = "active"

// ErrNotJoined says that the orderer does not know the channel.
var ErrNotJoined = errors.New("the orderer has not joined the channel")

// Channel is how an orderer stands to a channel.
type Channel struct {
	Name     string `json:"name"`
	Relation string `json:"consensusRelation"` // consenter, follower or other
	Status   string `json:"status"`
	Height   uint64 `json:"height"`
}

// Client speaks to one orderer.
type Client struct {
	orderer string
	base    string
	http    *http.Client
}

// Dial makes ready to speak to a member's orderer; the first request
// connects.
func Dial(o profile.Orderer) (*Client, error) {
	own, err := tls.LoadX509KeyPair(o.ClientCert, o.ClientKey)
	if err != nil {
		return nil, fmt.Errorf("%s: the administrator's TLS certificate: %w", o.Name, err)
	}
	authority, err := os.ReadFile(o.TLSCACert)
	if err != nil {
		return nil, fmt.Errorf("%s: the TLS authority: %w", o.Name, err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("%s: %s holds no certificate", o.Name, o.TLSCACert)
	}
	return &Client{
		orderer: o.Name,
		base:    strings.TrimSuffix(o.Participation, "/") + "/participation/v1/channels",
		http: &http.Client{
			Timeout: 30 * time.Second,
			Transport: &http.Transport{TLSClientConfig: &tls.Config{
				MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{own}, RootCAs: trusted,
			}},
		},
	}, nil
}

// Close drops the connection.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Channel asks how the orderer stands to a channel: ErrNotJoined if it does
// not know it.
func (c *Client) Channel(ctx context.Context, name string) (Channel, error) {
	var channel Channel
	status, err := c.do(ctx, http.MethodGet, "/"+url.PathEscape(name), "", nil, &channel)
	if status == http.StatusNotFound {
		return channel, ErrNotJoined
	}
	return channel, err
}

// Join has the orderer join the channel of a config block: the genesis block
// of a new channel, the last config block of one that runs. It tells whether
// there was anything to do.
func (c *Client) Join(ctx context.Context, channel string, block []byte) (joined bool, err error) {
	if _, err := c.Channel(ctx, channel); !errors.Is(err, ErrNotJoined) {
		return false, err
	}
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("config-block", "config.block")
	if err != nil {
		return false, err
	}
	if _, err := part.Write(block); err != nil {
		return false, err
	}
	if err := form.Close(); err != nil {
		return false, err
	}
	var now Channel
	_, err = c.do(ctx, http.MethodPost, "", form.FormDataContentType(), &body, &now)
	return err == nil, err
}

// Await waits until the orderer takes part in the channel.
func (c *Client) Await(ctx context.Context, channel string) (Channel, error) {
	for {
		now, err := c.Channel(ctx, channel)
		if err != nil || now.Status == Active {
			return now, err
		}
		select {
		case <-ctx.Done():
			return now, fmt.Errorf("%s: channel %s is still %s: %w", c.orderer, channel, now.Status, ctx.Err())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// do sends one request and reads the answer, or the orderer's reason.
func (c *Client) do(ctx context.Context, method, path, contentType string, body io.Reader, into any) (status int, err error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return 0, err
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.orderer, err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return response.StatusCode, fmt.Errorf("%s: %w", c.orderer, err)
	}
	if response.StatusCode/100 != 2 {
		return response.StatusCode, fmt.Errorf("%s refuses: %s", c.orderer, reason(response.Status, text))
	}
	if err := json.Unmarshal(text, into); err != nil {
		return response.StatusCode, fmt.Errorf("%s: the answer is not the API's: %w", c.orderer, err)
	}
	return response.StatusCode, nil
}

func reason(status string, text []byte) string {
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal(text, &said) == nil && said.Error != "" {
		return said.Error
	}
	return status
}
