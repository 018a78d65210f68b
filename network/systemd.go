package network

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// Unit is one file for systemd.
type Unit struct {
	Name string // tallyway-peer.producer.service
	Text []byte
}

// unitText lets a process write its own folder only; what it must read belongs
// to the user under whom it runs.
var unitText = template.Must(template.New("unit").Parse(`[Unit]
Description=Tallyway: {{.Name}}
After=network-online.target
Wants=network-online.target

[Service]
User={{.User}}
WorkingDirectory={{.Folder}}
{{- range .Env}}
Environment="{{.}}"
{{- end}}
ExecStart={{.Command}}
Restart=always
RestartSec=1
TimeoutStopSec=20
LimitNOFILE=65536
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths={{.Folder}}
PrivateTmp=yes

[Install]
WantedBy=multi-user.target
`))

// Systemd makes what is missing, as Up does, and units that run this host's
// processes instead of Up, under the given user.
func (n *Network) Systemd(ctx context.Context, user string) ([]Unit, error) {
	if err := n.Prepare(ctx); err != nil {
		return nil, err
	}
	all, err := n.processes()
	if err != nil {
		return nil, err
	}
	var units []Unit
	for _, p := range all {
		if err := os.MkdirAll(n.node(p.name), 0o755); err != nil {
			return nil, err
		}
		var text bytes.Buffer
		err := unitText.Execute(&text, struct {
			Name, User, Folder, Command string
			Env                         []string
		}{p.name, user, n.node(p.name), strings.Join(append([]string{p.program}, p.arguments...), " "), p.env})
		if err != nil {
			return nil, err
		}
		units = append(units, Unit{"tallyway-" + p.name + ".service", text.Bytes()})
	}
	return units, nil
}

// Write puts the unit into a folder.
func (u Unit) Write(dir string) error { return writeFile(filepath.Join(dir, u.Name), u.Text, 0o644) }
