package traceability

import (
	"context"

	"github.com/tallyway/tallyway/chaincode/trace"
	"github.com/tallyway/tallyway/shared/readmodel"
)

func projectLinks(p *readmodel.Projection) {
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.LinkPublished) error {
		l := e.Link
		if l.Default {
			if err := run(ctx, tx, `UPDATE tr_links SET preferred = $1 WHERE thing = $2`, false, l.Key); err != nil {
				return err
			}
		}
		return run(ctx, tx, `INSERT INTO tr_links (thing, id, type, href, title, title_zh, lang, media, preferred, owner, block)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (thing, id) DO UPDATE SET title = excluded.title, title_zh = excluded.title_zh, preferred = excluded.preferred,
				owner = excluded.owner, block = excluded.block`,
			l.Key, l.ID, l.Type, l.Href, l.Title, l.TitleZh, l.Lang, l.Media, l.Default, l.Owner, int64(m.Block))
	})
	readmodel.On(p, func(ctx context.Context, tx *readmodel.Tx, m readmodel.Meta, e trace.LinkWithdrawn) error {
		return run(ctx, tx, `DELETE FROM tr_links WHERE thing = $1 AND id = $2`, e.Key, e.ID)
	})
}
