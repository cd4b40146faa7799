package foundry

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seed-98789ff7/converter/plugins/foundry/enrich"
	"github.com/seed-98789ff7/converter/sdk"
)

// facts is what programs ask of a document; nil: nothing. Members are named alike whatever version of Foundry wrote it.
func (r *reader) facts(typ string, doc []byte, system json.RawMessage, rec *sdk.Record) json.RawMessage {
	var f any
	switch typ {
	case "Scene":
		f = sceneOf(doc)
	case "RollTable":
		f = r.tableOf(doc, rec)
	case "JournalEntry":
		f = journalOf(doc)
	case "Playlist":
		f = playlistOf(doc)
	case "Actor", "Item":
		f = statsOf(typ, system)
	case "Cards":
		f = deckOf(doc)
	case "Adventure":
		f = adventureOf(rec)
	}
	if f == nil {
		return nil
	}
	text, err := json.Marshal(f)
	if err != nil || string(text) == "{}" || string(text) == "null" {
		return nil // a number that JSON has no word for
	}
	return text
}

// amount is a number, or nothing when the member is of another type. A number written as text is taken too.
type amount float64

// UnmarshalJSON never fails.
func (a *amount) UnmarshalJSON(b []byte) error {
	var t text
	_ = t.UnmarshalJSON(b)
	if v, err := strconv.ParseFloat(string(t), 64); err == nil && !math.IsInf(v, 0) && !math.IsNaN(v) {
		*a = amount(v)
	}
	return nil
}

// truth is a boolean, or false when the member is of another type.
type truth bool

// UnmarshalJSON never fails.
func (t *truth) UnmarshalJSON(b []byte) error {
	*t = string(b) == "true"
	return nil
}

type scene struct {
	Width      amount    `json:"width"`
	Height     amount    `json:"height"`
	Padding    amount    `json:"padding"`
	Background string    `json:"background,omitempty"` // as the document has it: a level of it, where it has several
	Foreground string    `json:"foreground,omitempty"`
	OffsetX    amount    `json:"offset_x,omitempty"`
	OffsetY    amount    `json:"offset_y,omitempty"`
	Color      string    `json:"background_color,omitempty"`
	Grid       grid      `json:"grid"`
	Darkness   amount    `json:"darkness"`
	Global     truth     `json:"global_light,omitempty"`
	Vision     truth     `json:"token_vision,omitempty"`
	Walls      []wall    `json:"walls"`
	Lights     []light   `json:"lights"`
	Counts     countings `json:"counts"`
}

type grid struct {
	Type     string `json:"type"` // gridless, square, hex-odd-r, hex-even-r, hex-odd-q, hex-even-q
	Size     amount `json:"size"` // pixels
	Distance amount `json:"distance"`
	Units    text   `json:"units,omitempty"`
}

type countings map[string]int

// wall is a wall between two points. Senses are none, normal, limited, proximity or distance; a door is none, door or secret.
type wall struct {
	From      [2]amount `json:"from"`
	To        [2]amount `json:"to"`
	Move      string    `json:"move"`
	Sight     string    `json:"sight"`
	Light     string    `json:"light"`
	Sound     string    `json:"sound"`
	Direction string    `json:"direction,omitempty"` // left or right, when it is a wall from one side alone
	Door      string    `json:"door,omitempty"`
	State     string    `json:"state,omitempty"` // of a door: closed, open, locked
}

type light struct {
	X        amount `json:"x"`
	Y        amount `json:"y"`
	Dim      amount `json:"dim"` // in units of the grid
	Bright   amount `json:"bright"`
	Angle    amount `json:"angle,omitempty"`
	Rotation amount `json:"rotation,omitempty"`
	Color    text   `json:"color,omitempty"`
	Alpha    amount `json:"alpha,omitempty"`
	Walls    bool   `json:"walls"`
	Hidden   truth  `json:"hidden,omitempty"`
	Darkness truth  `json:"darkness,omitempty"`
}

var gridTypes = []string{"gridless", "square", "hex-odd-r", "hex-even-r", "hex-odd-q", "hex-even-q"}

func pick[T any](list []T, i amount) (v T) {
	if i >= 0 && int(i) < len(list) {
		return list[int(i)]
	}
	return v
}

// sense is what a wall does to a sense. Before v10 there were none and normal alone, in the same numbers but for limited.
func sense(v amount) string {
	switch {
	case v >= 40:
		return "distance"
	case v >= 30:
		return "proximity"
	case v >= 20:
		return "normal"
	case v >= 10:
		return "limited"
	case v == 2: // of before v10
		return "limited"
	case v >= 1:
		return "normal"
	default:
		return "none"
	}
}

func sceneOf(doc []byte) any {
	var s struct {
		Width, Height, Darkness, ShiftX, ShiftY, GridType, GridDistance amount
		Padding                                                         *amount
		Img, GridUnits, BackgroundColor                                 text
		TokenVision, GlobalLight                                        truth
		Background                                                      layer
		Foreground                                                      json.RawMessage
		Grid                                                            json.RawMessage
		Environment                                                     json.RawMessage
		Walls, Lights, Levels                                           []json.RawMessage
		Tokens, Notes, Tiles, Drawings, Regions, Sounds, Templates      []json.RawMessage
	}
	_ = json.Unmarshal(doc, &s) // what is of a surprising type stays empty
	out := scene{
		Width: s.Width, Height: s.Height, OffsetX: s.ShiftX, OffsetY: s.ShiftY, Darkness: s.Darkness, Vision: s.TokenVision,
		Global: s.GlobalLight, Background: first(string(s.Background.Src), string(s.Img)), Color: string(s.BackgroundColor),
		Walls: []wall{}, Lights: []light{}, Counts: countings{},
	}
	if s.Background.OffsetX != 0 || s.Background.OffsetY != 0 {
		out.OffsetX, out.OffsetY = s.Background.OffsetX, s.Background.OffsetY
	}
	out.Padding = 0.25
	if s.Padding != nil {
		out.Padding = *s.Padding
	}
	var front layer
	_ = json.Unmarshal(s.Foreground, &front.Src)
	out.Foreground = string(front.Src)
	for _, raw := range s.Levels {
		var level struct{ Background, Foreground layer }
		_ = json.Unmarshal(raw, &level)
		out.Background = first(out.Background, string(level.Background.Src))
		out.Foreground = first(out.Foreground, string(level.Foreground.Src))
	}
	out.Grid = gridOf(s.Grid, grid{Type: pick(gridTypes, s.GridType), Distance: s.GridDistance, Units: s.GridUnits})
	var environment struct {
		DarknessLevel amount
		GlobalLight   struct{ Enabled truth }
	}
	if json.Unmarshal(s.Environment, &environment) == nil && len(s.Environment) > 2 {
		out.Darkness, out.Global = environment.DarknessLevel, environment.GlobalLight.Enabled
	}
	for _, raw := range s.Walls {
		if w, ok := wallOf(raw); ok {
			out.Walls = append(out.Walls, w)
		}
	}
	for _, raw := range s.Lights {
		out.Lights = append(out.Lights, lightOf(raw))
	}
	for name, n := range map[string]int{
		"walls": len(s.Walls), "lights": len(s.Lights), "tokens": len(s.Tokens), "notes": len(s.Notes), "tiles": len(s.Tiles),
		"drawings": len(s.Drawings), "regions": len(s.Regions), "sounds": len(s.Sounds), "templates": len(s.Templates),
		"levels": len(s.Levels),
	} {
		if n > 0 {
			out.Counts[name] = n
		}
	}
	return out
}

type layer struct {
	Src              text
	OffsetX, OffsetY amount
}

// gridOf reads a grid: an object, or a number of pixels beside members of the scene.
func gridOf(raw []byte, old grid) grid {
	var g struct {
		Type           *amount
		Size, Distance amount
		Units          text
	}
	var size amount
	if len(raw) > 0 && raw[0] != '{' {
		_ = size.UnmarshalJSON(raw)
		old.Size = size
		return old
	}
	_ = json.Unmarshal(raw, &g)
	out := grid{Type: "square", Size: g.Size, Distance: g.Distance, Units: g.Units}
	if g.Type != nil {
		out.Type = pick(gridTypes, *g.Type)
	}
	return out
}

func wallOf(raw []byte) (wall, bool) {
	var w struct {
		C                   []amount
		Move, Dir, Door, DS amount
		Sight, Light, Sense *amount
		Sound               *amount
	}
	_ = json.Unmarshal(raw, &w)
	if len(w.C) != 4 {
		return wall{}, false
	}
	either := func(now, before *amount) string {
		switch {
		case now != nil:
			return sense(*now)
		case before != nil:
			return sense(*before)
		}
		return "normal"
	}
	return wall{
		From: [2]amount{w.C[0], w.C[1]}, To: [2]amount{w.C[2], w.C[3]}, Move: sense(w.Move), Sight: either(w.Sight, w.Sense),
		Light: either(w.Light, w.Sense), Sound: either(w.Sound, nil), Direction: pick([]string{"", "left", "right"}, w.Dir),
		Door: pick([]string{"", "door", "secret"}, w.Door), State: map[bool]string{true: pick([]string{"closed", "open", "locked"}, w.DS)}[w.Door > 0],
	}, true
}

func lightOf(raw []byte) light {
	var l struct {
		X, Y, Rotation     amount
		Dim, Bright, Angle amount // of before v9
		TintColor          text
		TintAlpha          amount
		Walls              *truth
		Hidden             truth
		Config             *struct {
			Dim, Bright, Angle, Alpha amount
			Color                     text
			Negative                  truth
		}
	}
	_ = json.Unmarshal(raw, &l)
	out := light{
		X: l.X, Y: l.Y, Dim: l.Dim, Bright: l.Bright, Angle: l.Angle, Rotation: l.Rotation, Color: l.TintColor, Alpha: l.TintAlpha,
		Walls: l.Walls == nil || bool(*l.Walls), Hidden: l.Hidden,
	}
	if c := l.Config; c != nil {
		out.Dim, out.Bright, out.Angle, out.Alpha, out.Color, out.Darkness = c.Dim, c.Bright, c.Angle, c.Alpha, c.Color, c.Negative
	}
	return out
}

type table struct {
	Formula     text     `json:"formula"`
	Replacement truth    `json:"replacement"`
	Results     []result `json:"results"`
}

// result is one result of a table, drawn when the formula comes to a number of its range.
type result struct {
	Range  [2]amount `json:"range"`
	Weight amount    `json:"weight"`
	Text   string    `json:"text,omitempty"`
	Target string    `json:"target,omitempty"` // native id of the document it leads to, with the place in it
	Image  text      `json:"image,omitempty"`
	Drawn  truth     `json:"drawn,omitempty"`
}

func (r *reader) tableOf(doc []byte, rec *sdk.Record) any {
	var t struct {
		Formula     text
		Replacement *truth
		Results     []json.RawMessage
	}
	_ = json.Unmarshal(doc, &t)
	out := table{Formula: t.Formula, Replacement: t.Replacement == nil || *t.Replacement, Results: []result{}}
	targets := map[string]string{}
	for _, l := range rec.Links {
		if parts := strings.Split(l.Pointer, "/"); len(parts) == 4 && parts[1] == "results" && strings.HasPrefix(parts[3], "document") {
			targets[parts[2]] = strings.TrimSuffix(l.Target+"."+l.Part, ".")
		}
	}
	for i, raw := range t.Results {
		var x struct {
			Range                   []amount
			Weight                  *amount
			Text, Name, Description text
			Img                     text
			Drawn                   truth
		}
		_ = json.Unmarshal(raw, &x)
		one := result{Weight: 1, Image: x.Img, Drawn: x.Drawn, Target: targets[strconv.Itoa(i)]}
		if x.Weight != nil {
			one.Weight = *x.Weight
		}
		if len(x.Range) == 2 {
			one.Range = [2]amount{x.Range[0], x.Range[1]}
		}
		at := "/results/" + strconv.Itoa(i) + "/"
		for _, t := range rec.Texts {
			if strings.HasPrefix(t.Pointer, at) && one.Text == "" {
				one.Text = t.Markdown
			}
		}
		one.Text = first(one.Text, string(x.Name), string(x.Text))
		out.Results = append(out.Results, one)
	}
	return out
}

// journalPage is what is read of a page of a journal.
type journalPage struct {
	ID    text `json:"_id"`
	Name  text `json:"name"`
	Type  text `json:"type"`
	Src   text `json:"src"`
	Title struct {
		Level amount `json:"level"`
		Show  *truth `json:"show"`
	} `json:"title"`
	Text struct {
		Format text `json:"format"`
	} `json:"text"`
	Image struct {
		Caption text `json:"caption"`
	} `json:"image"`
	Video struct {
		Loop     truth  `json:"loop"`
		Autoplay truth  `json:"autoplay"`
		Start    amount `json:"timestamp"`
	} `json:"video"`
	Category  text      `json:"category"`
	Ownership ownership `json:"ownership"`
}

// page is what is said of a page of a journal; its text is among the texts of the record, under the same pointer.
type page struct {
	ID         text   `json:"id"`
	Name       text   `json:"name"`
	Type       text   `json:"type"`             // text, image, pdf, video, or a word of a system
	Format     string `json:"format,omitempty"` // of a text: html or markdown
	Pointer    string `json:"pointer"`
	Level      int    `json:"level"`
	Hidden     bool   `json:"title_hidden,omitempty"`
	Source     text   `json:"source,omitempty"` // of the picture, the video or the PDF, as the document has it
	Caption    text   `json:"caption,omitempty"`
	Category   text   `json:"category,omitempty"`
	Visibility string `json:"visibility,omitempty"`
}

func journalOf(doc []byte) any {
	var j struct {
		Content, Img text // before v10
		Pages        []json.RawMessage
	}
	_ = json.Unmarshal(doc, &j)
	pages := []page{}
	for i, raw := range j.Pages {
		var p journalPage
		_ = json.Unmarshal(raw, &p)
		one := page{
			ID: p.ID, Name: p.Name, Type: p.Type, Pointer: "/pages/" + strconv.Itoa(i), Level: int(max(1, min(6, p.Title.Level))),
			Hidden: p.Title.Show != nil && !bool(*p.Title.Show), Source: p.Src, Caption: p.Image.Caption, Category: p.Category,
			Visibility: p.Ownership.visibility(),
		}
		if p.Type == "text" {
			one.Format = "html"
			if p.Text.Format == "2" {
				one.Format = "markdown"
			}
		}
		pages = append(pages, one)
	}
	if j.Content != "" {
		pages = append(pages, page{Type: "text", Format: "html", Pointer: "/content", Level: 1})
	}
	if j.Img != "" {
		pages = append(pages, page{Type: "image", Pointer: "/img", Level: 1, Source: j.Img})
	}
	return map[string]any{"pages": pages}
}

func playlistOf(doc []byte) any {
	type sound struct {
		Name   text   `json:"name"`
		Path   text   `json:"path"`
		Volume amount `json:"volume"`
		Repeat truth  `json:"repeat,omitempty"`
	}
	var p struct {
		Mode   amount
		Sounds []json.RawMessage
	}
	_ = json.Unmarshal(doc, &p)
	sounds := []sound{}
	for _, raw := range p.Sounds {
		var s sound
		_ = json.Unmarshal(raw, &s)
		sounds = append(sounds, s)
	}
	return map[string]any{"mode": pick([]string{"sequential", "shuffle", "simultaneous"}, p.Mode), "sounds": sounds}
}

func deckOf(doc []byte) any {
	var d struct{ Cards []json.RawMessage }
	_ = json.Unmarshal(doc, &d)
	return map[string]int{"cards": len(d.Cards)}
}

func adventureOf(rec *sdk.Record) any {
	n := countings{}
	for _, e := range rec.Embedded {
		if !strings.Contains(strings.TrimPrefix(e.Part, strings.SplitN(e.Part, ".", 2)[0]+"."), ".") {
			typ, _, _ := strings.Cut(e.NativeType, "/")
			n[typ]++
		}
	}
	return n
}

// stat is one fact of actors or items: where systems keep it, the first place that says something counting.
type stat struct {
	name    string
	places  []string
	numeric bool
}

var actorStats = []stat{
	{"cr", []string{"details.cr"}, true},
	{"level", []string{"details.level.value", "details.level"}, true},
	{"xp", []string{"details.xp.value"}, true},
	{"size", []string{"traits.size.value", "traits.size"}, false},
	{"type", []string{"details.type.value", "details.creatureType"}, false},
	{"subtype", []string{"details.type.subtype"}, false},
	{"alignment", []string{"details.alignment.value", "details.alignment"}, false},
	{"hp", []string{"attributes.hp.max", "attributes.hp.value"}, true},
	{"hp_formula", []string{"attributes.hp.formula"}, false},
	{"ac", []string{"attributes.ac.flat", "attributes.ac.value"}, true},
	{"speed", []string{"attributes.movement.walk", "attributes.speed.value", "attributes.speed"}, true},
}

var itemStats = []stat{
	{"level", []string{"level.value", "level"}, true},
	{"school", []string{"school"}, false},
	{"traditions", []string{"traits.traditions", "traditions.value"}, false},
	{"rarity", []string{"rarity", "traits.rarity"}, false},
	{"type", []string{"type.value"}, false},
	{"subtype", []string{"type.subtype"}, false},
	{"price", []string{"price.value", "price"}, true},
	{"price_unit", []string{"price.denomination"}, false},
	{"weight", []string{"weight.value", "weight", "bulk.value"}, true},
	{"weight_unit", []string{"weight.units"}, false},
	{"quantity", []string{"quantity.value", "quantity"}, true},
	{"attunement", []string{"attunement"}, false},
	{"properties", []string{"properties", "traits.value"}, false},
	{"identifier", []string{"identifier", "slug"}, false},
	{"hit_die", []string{"hd.denomination", "hitDice"}, false},
	{"casting_time", []string{"activation.type", "time.value"}, false},
	{"range", []string{"range.value"}, false},
	{"duration", []string{"duration.value"}, false},
}

// statsOf are the facts of an actor or item, as far as its system keeps them where systems do.
func statsOf(typ string, system json.RawMessage) any {
	actor, stats := typ == "Actor", itemStats
	if actor {
		stats = actorStats
	}
	wanted := map[string]bool{"abilities": actor}
	for _, s := range stats {
		for _, place := range s.places {
			top, _, _ := strings.Cut(place, ".")
			wanted[top] = true
		}
	}
	data := map[string]any{}
	members(system, func(name string, value []byte) {
		var v any
		if wanted[name] && json.Unmarshal(value, &v) == nil {
			data[name] = v
		}
	})
	facts := map[string]any{}
	for _, s := range stats {
		for _, place := range s.places {
			if v, ok := plain(dig(data, place), s.numeric); ok {
				facts[s.name] = v
				break
			}
		}
	}
	abilities := map[string]float64{}
	all, _ := data["abilities"].(map[string]any)
	for name, a := range all {
		if v, ok := numberAt(a, "value"); ok {
			abilities[name] = v
		} else if v, ok := numberAt(a, "mod"); ok {
			abilities[name] = v
		}
	}
	if len(abilities) > 0 {
		facts["abilities"] = abilities
	}
	return facts
}

// plain is a value that stands for itself: a number, a word, or a list of words.
func plain(v any, numeric bool) (any, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case string:
		if n, ok := enrich.Eval(v); ok && numeric {
			return n, true
		}
		return v, v != "" && !numeric
	case []any:
		words := []string{}
		for _, w := range v {
			if s, ok := w.(string); ok {
				words = append(words, s)
			}
		}
		slices.Sort(words)
		return words, len(words) > 0 && !numeric
	}
	return nil, false
}
