package web

import (
	"encoding"
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Doc describes a route for /api/openapi.json and the page at /api.
type Doc struct {
	Summary string  // an English key: one sentence
	Query   []Param // beside limit, after and state of a List
	List    bool    // takes limit and after, answers {"items": [...], "next": "..."}
	States  []string
	Body    any    // a value of the request's type, or nil
	Takes   string // media type of a body that is a file
	Reply   any    // a value of the reply's type; of an item for a List
	Status  int    // of success; 200 by default
	Type    string // of the reply; application/json by default
}

// Param is one query parameter.
type Param struct{ Name, Summary string }

// Page is the reply of a list.
type Page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"`
}

type object = map[string]any

// openAPI describes the API by its routes and their Go types (OpenAPI 3.1).
func (s *Server) openAPI() object {
	g := &schemas{done: object{}}
	paths := map[string]object{}
	for _, r := range s.apiRoutes() {
		path := openPath(r.Path)
		if paths[path] == nil {
			paths[path] = object{}
		}
		paths[path][strings.ToLower(r.Method)] = s.operation(g, r)
	}
	g.of(reflect.TypeFor[Problem]())
	return object{
		"openapi": "3.1.0",
		"info":    object{"title": s.cfg.Title + " API", "version": "1"},
		"paths":   paths,
		"components": object{
			"schemas":         g.done,
			"securitySchemes": object{"token": object{"type": "http", "scheme": "bearer"}},
			"responses": object{"Problem": object{"description": "A rule said no, or something went wrong (RFC 9457).",
				"content": object{"application/problem+json": object{"schema": ref("Problem")}}}},
		},
	}
}

func (s *Server) apiRoutes() []Route {
	var all []Route
	for _, r := range s.routes {
		if isAPI(r.Path) {
			all = append(all, r)
		}
	}
	return all
}

func openPath(path string) string {
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ok := strings.CutPrefix(p, ":"); ok {
			parts[i] = "{" + name + "}"
		}
	}
	return strings.Join(parts, "/")
}

func (s *Server) operation(g *schemas, r Route) object {
	op := object{"operationId": r.Name, "summary": r.Doc.Summary, "parameters": parameters(r),
		"responses": object{"default": object{"$ref": "#/components/responses/Problem"}}}
	kind, status := r.Doc.Type, r.Doc.Status
	if kind == "" {
		kind = "application/json"
	}
	if status == 0 {
		status = http.StatusOK
	}
	reply := object{"description": http.StatusText(status)}
	if r.Doc.Reply != nil {
		schema := g.of(reflect.TypeOf(r.Doc.Reply))
		if r.Doc.List {
			schema = object{"type": "object", "required": []string{"items"}, "properties": object{
				"items": object{"type": "array", "items": schema}, "next": object{"type": "string"}}}
		}
		reply["content"] = object{kind: object{"schema": schema}}
	}
	op["responses"].(object)[statusText(status)] = reply
	if r.Doc.Body != nil {
		op["requestBody"] = object{"required": true,
			"content": object{"application/json": object{"schema": g.of(reflect.TypeOf(r.Doc.Body))}}}
	}
	if r.Doc.Takes != "" {
		op["requestBody"] = object{"required": true, "content": object{r.Doc.Takes: object{}}}
	}
	if r.Access.who != "public" {
		op["security"] = []object{{"token": []string{r.Access.Scope}}}
		op["x-access"] = object{"who": r.Access.Who(), "roles": r.Access.Roles, "owner": r.Access.Owner}
	}
	return op
}

func statusText(status int) string { b, _ := json.Marshal(status); return string(b) }

func parameters(r Route) []object {
	text := object{"type": "string"}
	all := []object{}
	for part := range strings.SplitSeq(r.Path, "/") {
		if name, ok := strings.CutPrefix(part, ":"); ok {
			all = append(all, object{"name": name, "in": "path", "required": true, "schema": text})
		}
	}
	if r.Method == http.MethodPost {
		all = append(all, object{"name": "Idempotency-Key", "in": "header", "required": true,
			"schema": object{"type": "string", "minLength": 1, "maxLength": 255}})
	}
	if r.Doc.List {
		all = append(all,
			object{"name": "limit", "in": "query", "schema": object{"type": "integer", "minimum": 1, "maximum": MaxLimit}},
			object{"name": "after", "in": "query", "description": "the next of the previous page", "schema": text})
	}
	if len(r.Doc.States) > 0 {
		all = append(all, object{"name": "state", "in": "query", "schema": object{"type": "string", "enum": r.Doc.States}})
	}
	for _, p := range r.Doc.Query {
		all = append(all, object{"name": p.Name, "in": "query", "description": p.Summary, "schema": text})
	}
	return all
}

// schemas collects the JSON schemas of Go types by name.
type schemas struct{ done object }

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

func (g *schemas) of(t reflect.Type) object {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return object{"type": "string", "format": "date-time"}
	case t == reflect.TypeFor[json.RawMessage]():
		return object{}
	case t.Kind() == reflect.Pointer:
		return g.of(t.Elem())
	case implements[encoding.TextMarshaler](t):
		return object{"type": "string"}
	case implements[json.Marshaler](t):
		return object{}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string"}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float32, reflect.Float64:
		return object{"type": "number"}
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return object{"type": "string", "contentEncoding": "base64"}
		}
		return object{"type": "array", "items": g.of(t.Elem())}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": g.of(t.Elem())}
	case reflect.Struct:
		return g.ofStruct(t)
	case reflect.Interface:
		return object{}
	}
	return object{"type": "integer"}
}

func implements[I any](t reflect.Type) bool {
	i := reflect.TypeFor[I]()
	return t.Implements(i) || reflect.PointerTo(t).Implements(i)
}

func (g *schemas) ofStruct(t reflect.Type) object {
	name := schemaName(t)
	if name == "" {
		return g.properties(t)
	}
	if _, ok := g.done[name]; !ok {
		g.done[name] = object{} // a type may hold itself
		g.done[name] = g.properties(t)
	}
	return ref(name)
}

// schemaName is "trace.Lot", or "Problem" for the face's own types.
func schemaName(t reflect.Type) string {
	if t.Name() == "" || strings.Contains(t.Name(), "[") {
		return ""
	}
	if t.PkgPath() == reflect.TypeFor[Problem]().PkgPath() {
		return t.Name()
	}
	return t.String()
}

func (g *schemas) properties(t reflect.Type) object {
	properties, required := object{}, []string{}
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-" || !f.IsExported() && !f.Anonymous:
			continue
		case f.Anonymous && name == "" && deref(f.Type).Kind() == reflect.Struct:
			inner := g.properties(deref(f.Type))
			maps.Copy(properties, inner["properties"].(object))
			if more, ok := inner["required"].([]string); ok {
				required = append(required, more...)
			}
			continue
		case name == "":
			name = f.Name
		}
		properties[name] = g.of(f.Type)
		if !strings.Contains(options, "omit") {
			required = append(required, name)
		}
	}
	schema := object{"type": "object", "properties": properties}
	if len(required) > 0 {
		slices.Sort(required)
		schema["required"] = required
	}
	return schema
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func serveOpenAPI(c *Ctx) error { return c.JSON(http.StatusOK, c.server.openAPI()) }

type apiView struct {
	Routes   []apiRoute   `json:"routes"`
	Commands []apiCommand `json:"commands"`
}

type apiRoute struct {
	Method  string   `json:"method"`
	Path    string   `json:"path"`
	Summary string   `json:"summary"`
	Who     string   `json:"who"`
	Roles   []string `json:"roles,omitempty"`
	Scope   string   `json:"scope,omitempty"`
	Params  []string `json:"params,omitempty"`
}

type apiCommand struct {
	Name  string   `json:"name"`
	Query bool     `json:"query,omitempty"`
	Roles []string `json:"roles,omitempty"`
}

func showAPI(c *Ctx) error {
	var v apiView
	for _, r := range c.server.apiRoutes() {
		row := apiRoute{r.Method, openPath(r.Path), r.Doc.Summary, r.Access.Who(), r.Access.Roles, r.Access.Scope, nil}
		for _, p := range parameters(r) {
			row.Params = append(row.Params, p["name"].(string))
		}
		v.Routes = append(v.Routes, row)
	}
	for _, f := range c.server.cfg.Functions {
		v.Commands = append(v.Commands, apiCommand{f.Name, f.Query, f.Roles})
	}
	return c.Render("api.html", v)
}
