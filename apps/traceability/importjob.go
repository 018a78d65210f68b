package traceability

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/tallyway/tallyway/chaincode"
	"github.com/tallyway/tallyway/shared/readmodel"
	"github.com/tallyway/tallyway/shared/web"
)

// jobTopic is the live topic of the pages that show imports at work.
const jobTopic = "imports"

// importLive tells of the steps that the imports of the visitor's company take.
func (a *app) importLive(ctx context.Context, u *web.User, _ string) (<-chan web.Change, error) {
	heard, out := a.captures.listen(ctx, u.Party), make(chan web.Change)
	go func() {
		defer close(out)
		for {
			select {
			case <-heard:
			case <-ctx.Done():
				return
			}
			select {
			case out <- web.Change{Topic: jobTopic}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return out, nil
}

// importJobs lists what a company has brought by files and by its programs.
func (a *app) importJobs(c *web.Ctx) error {
	t, err := a.jobTable(c, 0)
	if err != nil {
		return err
	}
	return c.Render("import_jobs.html", struct{ Jobs web.Table }{t})
}

// jobTable is the company's jobs, the newest first; a few of them for a page
// with something else on it.
func (a *app) jobTable(c *web.Ctx, few int) (web.Table, error) {
	list := c.List(web.ListOptions{})
	limit, after := list.Limit, list.After
	if few > 0 {
		limit, after = few, ""
	}
	if after == "" {
		after = "~" // after every id
	}
	jobs, err := readmodel.All[captureJob](c.Context(), a.db, `SELECT `+jobColumns+` FROM tr_captures WHERE party = $1 AND msp = $2 AND id < $3 ORDER BY id DESC LIMIT $4`,
		c.User().Party, c.User().MSP, after, limit+1)
	if err != nil {
		return web.Table{}, err
	}
	t := web.Table{List: list, Label: "Imports", Live: jobTopic, Columns: []web.Column{{Label: "File"}, {Label: "Kind"}, {Label: "User"}, {Label: "Begun"}, {Label: "On the ledger", Number: true}, {Label: "State"}},
		Empty: web.Empty{Title: "No file was imported yet", Text: "What you confirm is shown here, and goes on when you leave the page."}}
	if few > 0 {
		t.List = web.List{}
	}
	if len(jobs) > limit {
		if jobs = jobs[:limit]; few == 0 {
			t.Next = jobs[limit-1].ID
		}
	}
	for _, j := range jobs {
		t.Rows = append(t.Rows, web.TableRow{Href: "/traceability/import/jobs/" + j.ID, Cells: []any{orElse(j.Name, j.ID), c.T(j.title()), j.User, j.Created,
			web.Num{Text: web.Group(j.Captured) + " / " + web.Group(j.Total)}, j.chip()}})
	}
	return t, nil
}

func (j captureJob) title() string {
	if j.Kind == "" {
		return "EPCIS capture"
	}
	return titleOfKind(j.Kind)
}

func (j captureJob) chip() web.Chip {
	switch {
	case j.Finished == nil:
		return web.Chip{Word: "At work", Tone: web.Busy}
	case j.Refused > 0 && j.Captured > 0:
		return web.Chip{Word: "In part", Tone: web.Warn}
	case j.Refused > 0:
		return web.Chip{Word: "Refused", Tone: web.Bad}
	}
	return web.Chip{Word: "Done", Tone: web.Good}
}

// jobStep is one event of a job in the reader's words.
type jobStep struct {
	Position int
	Origin   string
	Text     string
	Chip     web.Chip
	Hash     string
	Href     string
	Block    uint64
	Tx       string
	Problems []trouble
}

type jobView struct {
	Job    captureView
	Title  string
	Name   string
	Chip   web.Chip
	Stats  []web.Stat
	Banner *web.Banner `json:"-"`
	Steps  []jobStep   `json:"-"`
	Percent,
	Settled, Total int
	Sheet bool
	Next  string
	Again string
}

// importJob shows one job; a running one moves.
func (a *app) importJob(c *web.Ctx) error {
	job, err := a.captures.find(c.Context(), c.Param("id"))
	if err != nil {
		return err
	}
	if job.Party != c.User().Party || job.MSP != c.User().MSP {
		return errNoCapture.Refuse("%s", c.Param("id"))
	}
	v := jobView{Job: job.view(nil), Title: c.T(job.title()), Name: orElse(job.Name, job.ID), Chip: job.chip(), Settled: job.Settled, Total: job.Total, Sheet: job.Kind != kindEPCIS && job.Kind != ""}
	if job.Total > 0 {
		v.Percent = 100 * job.Settled / job.Total
	}
	if v.Again = "/traceability/import?kind=" + job.Kind; !v.Sheet {
		v.Again = "/traceability/import/epcis"
	}
	v.Stats = []web.Stat{{Label: "On the ledger", Value: web.Group(job.Captured)}, {Label: "Refused", Value: web.Group(job.Refused), Tone: toneOf(job.Refused, web.Bad)},
		{Label: "Not taken, or there already", Value: web.Group(job.Settled - job.Captured - job.Refused)}, {Label: "Waiting", Value: web.Group(job.Total - job.Settled)}}
	v.Banner = job.banner(c)
	from, _ := strconv.Atoi(c.QueryParam("from"))
	if v.Steps, err = a.jobSteps(c, job, max(0, from)); err != nil {
		return err
	}
	if len(v.Steps) > mostSteps {
		v.Next = "/traceability/import/jobs/" + job.ID + "?from=" + strconv.Itoa(v.Steps[mostSteps].Position)
		v.Steps = v.Steps[:mostSteps]
	}
	return c.Render("import_job.html", v)
}

// banner says in one sentence what has become of a job.
func (j captureJob) banner(c *web.Ctx) *web.Banner {
	switch {
	case j.Finished == nil:
		return &web.Banner{Tone: web.Busy, Title: "At work", Text: c.T("You may leave this page; the import goes on and is found again under Imports.")}
	case j.Refused > 0 && j.Behaviour == rollback && j.Captured == 0:
		return &web.Banner{Tone: web.Bad, Title: "Nothing was imported", Text: c.T("One of them was refused, perhaps because goods were moved since you looked; so none was taken.")}
	case j.Refused > 0 && j.Behaviour == rollback:
		return &web.Banner{Tone: web.Warn, Title: "Imported in part", Text: c.T("%s were recorded before one was refused, and stand: a ledger takes nothing back. Up to %s are taken wholly or not at all.", j.Captured, chaincode.MaxBatch)}
	case j.Refused > 0:
		return &web.Banner{Tone: web.Warn, Title: "Imported in part", Text: c.T("What was refused is listed; the rest is recorded.")}
	}
	return &web.Banner{Tone: web.Good, Title: "Everything is on the ledger", Text: c.T("The same file uploaded again does nothing twice.")}
}

type jobRow struct {
	Position int    `db:"position"`
	Status   string `db:"status"`
	Answer   string `db:"answer"`
	Origin   string `db:"origin"`
	Said     string `db:"said"`
	SaidZh   string `db:"said_zh"`
}

// jobSteps are the events from a position on, one more than a page shows; those
// that were refused stand first on the first page.
func (a *app) jobSteps(c *web.Ctx, job captureJob, from int) ([]jobStep, error) {
	rows, err := readmodel.All[jobRow](c.Context(), a.db, `SELECT position, status, answer, origin, said, said_zh FROM tr_capture_events
		WHERE capture = $1 AND position >= $2 ORDER BY position LIMIT $3`, job.ID, from, mostSteps+1)
	if err != nil {
		return nil, err
	}
	if from == 0 && job.Refused > 0 && job.Total > mostSteps {
		refused, err := readmodel.All[jobRow](c.Context(), a.db, `SELECT position, status, answer, origin, said, said_zh FROM tr_capture_events
			WHERE capture = $1 AND status IN ('refused', 'unknown') AND position > $2 ORDER BY position LIMIT $3`, job.ID, rows[len(rows)-1].Position, mostSteps)
		if err != nil {
			return nil, err
		}
		rows = append(refused, rows...)
	}
	var all []jobStep
	for _, r := range rows {
		var answer captureAnswer
		if err := json.Unmarshal([]byte(r.Answer), &answer); err != nil {
			return nil, err
		}
		s := jobStep{Position: r.Position, Origin: r.Origin, Text: said(c.Lang(), r.Said, r.SaidZh), Chip: statusChip(r.Status), Hash: answer.Hash, Block: answer.Block, Tx: answer.Tx}
		if s.Origin == "" {
			s.Origin = "/epcisBody/eventList/" + strconv.Itoa(r.Position)
		}
		if answer.Hash != "" && (r.Status == statusCaptured || r.Status == statusDuplicate) {
			s.Href = eventHref(answer.Hash)
		}
		for _, p := range answer.Problems {
			s.Problems = append(s.Problems, a.worded(c, p.Code, p.Text, p.Remedy))
		}
		all = append(all, s)
	}
	return all, nil
}

// worded says a stored problem in the reader's language, as far as its rule has
// words there.
func (a *app) worded(c *web.Ctx, code, text, remedy string) trouble {
	t := trouble{Code: code, Text: text, Remedy: remedy}
	if c.Lang() != "zh" {
		return t
	}
	for _, r := range a.host.Web.Rules() {
		if r.Code == code {
			zh, does := a.host.Web.Words().Rule("zh", r)
			if i := strings.LastIndex(text, " ("); i >= 0 && strings.HasPrefix(text, r.Text) {
				t.Detail = strings.TrimSuffix(text[i+2:], ")")
			}
			t.Text, t.Remedy = zh, does
		}
	}
	return t
}

func statusChip(status string) web.Chip {
	switch status {
	case statusCaptured:
		return web.Chip{Word: "On the ledger", Tone: web.Good}
	case statusDuplicate:
		return web.Chip{Word: "On the ledger already", Tone: web.Idle}
	case statusRefused:
		return web.Chip{Word: "Refused", Tone: web.Bad}
	case statusLeftOut:
		return web.Chip{Word: "Not taken", Tone: web.Idle}
	case statusUnknown:
		return web.Chip{Word: "Unknown: look at the event, then import again", Tone: web.Warn}
	}
	return web.Chip{Word: "Waiting", Tone: web.Busy}
}
