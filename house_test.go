package tallyway

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tallyway/tallyway/"

// The floors of the house. Imports go down only.
const (
	unknown   = iota - 1
	values    // standard library only
	contracts // standard library and values
	engines   // contracts' kernel, third parties
	apps      // engines, never another app
	programs  // everything
)

var floorNames = []string{"values", "contracts", "engines", "apps", "programs"}

var valueRooms = []string{"shared/money", "shared/gs1", "shared/epcis", "shared/en16931"}

// floor tells on which floor a room of the house is.
func floor(room string) int {
	top, _, _ := strings.Cut(room, "/")
	switch {
	case slices.ContainsFunc(valueRooms, func(v string) bool { return room == v || strings.HasPrefix(room, v+"/") }):
		return values
	case room == "chaincode/fabric":
		return engines
	case top == "chaincode":
		return contracts
	case top == "shared" || top == "iot":
		return engines
	case top == "apps":
		return apps
	case top == "cmd" || top == "network" || top == "bench":
		return programs
	default:
		return unknown
	}
}

type goPackage struct {
	ImportPath, Dir           string
	Imports                   []string
	TestImports, XTestImports []string
}

// rooms lists the house's packages as the go command sees them.
func rooms(t *testing.T) []goPackage {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,TestImports,XTestImports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []goPackage
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestImportsGoDown keeps every room leaning on lower floors only.
func TestImportsGoDown(t *testing.T) {
	for _, p := range rooms(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		if room == p.ImportPath {
			continue // the root holds these tests only
		}
		if floor(room) == unknown {
			t.Errorf("%s is on no floor: say in floor() on which", room)
			continue
		}
		for _, imported := range p.Imports {
			if reason := wrongImport(room, imported); reason != "" {
				t.Errorf("%s imports %s: %s", room, imported, reason)
			}
		}
	}
}

func wrongImport(room, imported string) string {
	here := floor(room)
	if !strings.HasPrefix(imported, module) {
		return wrongOutsider(here, imported)
	}
	other := strings.TrimPrefix(imported, module)
	there := floor(other)
	switch {
	case there > here:
		return "imports go down only: " + floorNames[here] + " do not know " + floorNames[there]
	case here == engines && there == contracts && other != "chaincode":
		return "an engine knows the kernel, never a noun: it must serve any contract"
	case here == apps && there == apps && app(room) != app(other):
		return "an app never knows another app: they meet on the ledger"
	}
	return ""
}

// wrongOutsider keeps third parties on the floors that may know them.
func wrongOutsider(here int, imported string) string {
	standard := !strings.Contains(strings.Split(imported, "/")[0], ".")
	switch {
	case standard || here == engines || here == programs:
		return ""
	case here == apps && strings.HasPrefix(imported, "github.com/labstack/echo/"):
		return ""
	case here == apps:
		return "an app meets third parties through the engines in shared/"
	default:
		return "the standard library only: contracts and values give the same bytes everywhere, for ever"
	}
}

// TestTheAdministratorStandsAlone keeps network/admin, a module of its own, and
// the rest apart: it is built on an SDK whose protobuf messages have the names
// of the newer ones', and a program that holds both panics when it starts.
func TestTheAdministratorStandsAlone(t *testing.T) {
	const admin = "network/admin"
	for file, tree := range sources(t, ".") {
		inside := strings.HasPrefix(file, admin+"/")
		for _, spec := range tree.file.Imports {
			imported := strings.Trim(spec.Path.Value, `"`)
			ours, isOurs := strings.CutPrefix(imported, module)
			theirs := ours == admin || strings.HasPrefix(ours, admin+"/") || strings.HasPrefix(imported, "github.com/hyperledger/fabric-sdk-go")
			if isOurs && inside && !theirs {
				t.Errorf("%s imports %s: the administrator's program knows no other room", file, imported)
			}
			if theirs && !inside {
				t.Errorf("%s imports %s: run the administrator's program instead", file, imported)
			}
		}
	}
}

func app(room string) string { return strings.Split(room, "/")[1] }

// nounOrder is how the contracts' nouns may read each other: to the right only.
var nounOrder = []string{"receivable", "invoice", "trace", "party"}

func TestNounsReadEachOtherOneWay(t *testing.T) {
	for _, p := range rooms(t) {
		room := strings.TrimPrefix(p.ImportPath, module)
		here := slices.Index(nounOrder, strings.TrimPrefix(room, "chaincode/"))
		for _, imported := range p.Imports {
			there := slices.Index(nounOrder, strings.TrimPrefix(strings.TrimPrefix(imported, module), "chaincode/"))
			if here >= 0 && there >= 0 && there <= here {
				t.Errorf("%s imports %s: nouns read each other one way: %s", room, imported, strings.Join(nounOrder, " -> "))
			}
		}
	}
}

// forbiddenCalls are things that would make two endorsers disagree.
var forbiddenCalls = map[string]string{
	"time.Now":       "a contract has no clock: use tx.At",
	"time.Since":     "a contract has no clock: use tx.At",
	"rand.Read":      "a contract has no randomness: the client brings it",
	"rand.Int":       "a contract has no randomness: the client brings it",
	"os.Getenv":      "a contract knows no machine",
	"http.Get":       "a contract knows no network",
	"math.Float64":   "a contract has no floats: use exact amounts",
	"fmt.Println":    "a contract speaks by events and refusals only",
	"os.ReadFile":    "a contract knows no files",
	"runtime.NumCPU": "a contract knows no machine",
}

// TestContractsAreDeterministic reads the contracts' sources.
func TestContractsAreDeterministic(t *testing.T) {
	for file, tree := range sources(t, "chaincode", "shared/gs1", "shared/epcis") {
		if strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "chaincode/fabric/") || strings.HasPrefix(file, "chaincode/scenario/") {
			continue
		}
		ast.Inspect(tree.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s: a contract starts no goroutine: order would depend on the scheduler", tree.at(n))
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok {
					if reason := forbiddenCalls[x.Name+"."+n.Sel.Name]; reason != "" {
						t.Errorf("%s: %s.%s: %s", tree.at(n), x.Name, n.Sel.Name, reason)
					}
				}
			case *ast.Ident:
				if n.Name == "float64" || n.Name == "float32" {
					t.Errorf("%s: %s: a contract has no floats: use exact amounts", tree.at(n), n.Name)
				}
			}
			return true
		})
	}
}

// TestFilesAreNamedForWhatIsInThem refuses names that say nothing.
func TestFilesAreNamedForWhatIsInThem(t *testing.T) {
	empty := []string{"util", "utils", "helper", "helpers", "common", "types", "misc", "service", "base"}
	for file := range sources(t, ".") {
		name := strings.TrimSuffix(strings.TrimSuffix(path.Base(file), ".go"), "_test")
		if slices.Contains(empty, name) {
			t.Errorf("%s: a file is named for what the reader looks for", file)
		}
	}
}

// longestFunction is a screen and a half: past that a function has strayed.
const longestFunction = 90

func TestFunctionsFitAScreen(t *testing.T) {
	for file, tree := range sources(t, ".") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, d := range tree.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			if lines := tree.line(f.End()) - tree.line(f.Pos()); lines > longestFunction {
				t.Errorf("%s: %s has %d lines: a function fits a screen", tree.at(f), f.Name.Name, lines)
			}
		}
	}
}

// TestEveryPackageSaysItsJob wants a package comment.
func TestEveryPackageSaysItsJob(t *testing.T) {
	said, seen := map[string]bool{}, map[string]bool{}
	for file, tree := range sources(t, ".") {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		dir := path.Dir(file)
		seen[dir] = true
		said[dir] = said[dir] || tree.file.Doc != nil
	}
	for dir := range seen {
		if !said[dir] {
			t.Errorf("%s: a package comment tells its job and what it leaves to others", dir)
		}
	}
}

type source struct {
	set  *token.FileSet
	file *ast.File
}

func (s source) at(n ast.Node) string { return s.set.Position(n.Pos()).String() }
func (s source) line(p token.Pos) int { return s.set.Position(p).Line }

// sources parses every Go file below the given folders.
func sources(t *testing.T, below ...string) map[string]source {
	t.Helper()
	found := map[string]source{}
	for _, dir := range below {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != "." || d.Name() == "testdata" || d.Name() == "node_modules"):
				return fs.SkipDir
			case !strings.HasSuffix(p, ".go"):
				return nil
			}
			set := token.NewFileSet()
			f, err := parser.ParseFile(set, p, nil, parser.ParseComments|parser.SkipObjectResolution)
			found[filepath.ToSlash(p)] = source{set, f}
			return err
		})
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return found
}
