package web

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"text/template/parse"

	"github.com/tallyway/tallyway/chaincode"
)

// MissingTranslations lists what would be shown in English to a Chinese
// reader: texts, rules, and the formats of refusals. A test that wants it
// empty keeps the build from shipping an untranslated word.
func (c *Catalogue) MissingTranslations(rules []chaincode.Rule, texts ...string) []string {
	c.mu.RLock()
	defer c.mu.RUnlock()
	var missing []string
	for _, r := range rules {
		if w, ok := c.rules[r.Code]; !ok || w.Text == "" || r.Remedy != "" && w.Remedy == "" {
			missing = append(missing, "rule "+r.Code+": "+r.Text+" | "+r.Remedy)
		}
	}
	for _, text := range texts {
		if _, ok := c.texts[text]; !ok && wordy(text) {
			missing = append(missing, "text "+strconv.Quote(text))
		}
	}
	slices.Sort(missing)
	return slices.Compact(missing)
}

// wordy reports whether there is anything to translate in a text.
func wordy(text string) bool {
	text = strings.ReplaceAll(text, "%s", "")
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' })
}

// says are the calls of templates whose texts are translated, with the place
// of the text among the arguments.
var says = map[string]int{"t": 0, "Field": 1, "Hint": 0}

// TemplateTexts collects every text that the pages of a folder say: the
// literals in {{t "…"}} and in the labels and hints of fields.
func TemplateTexts(fsys fs.FS) ([]string, error) {
	var texts []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".html") {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		trees := map[string]*parse.Tree{}
		tree := parse.New(name)
		tree.Mode = parse.SkipFuncCheck
		if _, err := tree.Parse(string(b), "", "", trees); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		for _, t := range trees {
			collect(t.Root, &texts)
		}
		return nil
	})
	return texts, err
}

// collect walks a template's tree.
func collect(n parse.Node, texts *[]string) {
	switch n := n.(type) {
	case *parse.ListNode:
		if n != nil {
			for _, child := range n.Nodes {
				collect(child, texts)
			}
		}
	case *parse.ActionNode:
		collect(n.Pipe, texts)
	case *parse.TemplateNode:
		collect(n.Pipe, texts)
		if text, ok := literal(n.Pipe); ok && n.Name == "send" {
			*texts = append(*texts, text)
		}
	case *parse.IfNode:
		collectBranch(&n.BranchNode, texts)
	case *parse.RangeNode:
		collectBranch(&n.BranchNode, texts)
	case *parse.WithNode:
		collectBranch(&n.BranchNode, texts)
	case *parse.PipeNode:
		if n != nil {
			for _, cmd := range n.Cmds {
				collect(cmd, texts)
			}
		}
	case *parse.CommandNode:
		collectCommand(n, texts)
	case *parse.ChainNode:
		collect(n.Node, texts)
	}
}

func collectBranch(n *parse.BranchNode, texts *[]string) {
	collect(n.Pipe, texts)
	collect(n.List, texts)
	collect(n.ElseList, texts)
}

func collectCommand(n *parse.CommandNode, texts *[]string) {
	if at, ok := says[called(n.Args[0])]; ok && len(n.Args) > at+1 {
		if s, ok := n.Args[at+1].(*parse.StringNode); ok {
			*texts = append(*texts, s.Text)
		}
	}
	for _, arg := range n.Args {
		collect(arg, texts)
	}
}

// called is the name of the function or method at the head of a command.
func called(n parse.Node) string {
	switch n := n.(type) {
	case *parse.IdentifierNode:
		return n.Ident
	case *parse.FieldNode:
		return n.Ident[len(n.Ident)-1]
	case *parse.ChainNode:
		return n.Field[len(n.Field)-1]
	case *parse.VariableNode:
		return n.Ident[len(n.Ident)-1]
	}
	return ""
}

func literal(p *parse.PipeNode) (string, bool) {
	if p == nil || len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return "", false
	}
	s, ok := p.Cmds[0].Args[0].(*parse.StringNode)
	if !ok {
		return "", false
	}
	return s.Text, true
}

// keys are the fields of the parts, and of App, that hold English keys.
var keys = []string{"Word", "Label", "Title", "Confirm", "Summary"}

// GoTexts collects what the Go files of a folder say: c.T("…"), c.Flash("…"),
// rule.Refuse("…"), the Word, Label, Title, Confirm and Summary of parts
// written with their names, and the Text of options and empty states. Tests are left out.
func GoTexts(fsys fs.FS) ([]string, error) {
	var texts []string
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, b, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if text, ok := goText(n); ok {
				texts = append(texts, text)
			}
			texts = append(texts, textsOf(n)...)
			return true
		})
		return nil
	})
	return texts, err
}

func goText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.CallExpr:
		fun, ok := n.Fun.(*ast.SelectorExpr)
		if ok && len(n.Args) > 0 && slices.Contains([]string{"T", "Flash", "Refuse"}, fun.Sel.Name) {
			return stringOf(n.Args[0])
		}
	case *ast.KeyValueExpr:
		key, ok := n.Key.(*ast.Ident)
		if ok && slices.Contains(keys, key.Name) {
			return stringOf(n.Value)
		}
	}
	return "", false
}

// textsOf are the Texts of an Option, an Empty or a list of Options: in other
// parts a Text is ready to be read.
func textsOf(n ast.Node) (texts []string) {
	lit, ok := n.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	parts := []ast.Expr{lit}
	of := lit.Type
	if list, many := of.(*ast.ArrayType); many {
		parts, of = lit.Elts, list.Elt
	}
	if name := nameOf(of); name != "Option" && name != "Empty" {
		return nil
	}
	for _, part := range parts {
		one, ok := part.(*ast.CompositeLit)
		if !ok {
			continue
		}
		for _, field := range one.Elts {
			if entry, ok := field.(*ast.KeyValueExpr); ok && nameOf(entry.Key) == "Text" {
				if text, ok := stringOf(entry.Value); ok {
					texts = append(texts, text)
				}
			}
		}
	}
	return texts
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func stringOf(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil && text != ""
}
