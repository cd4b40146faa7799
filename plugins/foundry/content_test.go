package foundry_test

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/seed-98789ff7/converter/plugins/foundry"
	"github.com/seed-98789ff7/converter/sdk"
)

// wrote reads one document of a module and returns its record.
func wrote(t *testing.T, o options, typ, key, doc string, more entries) sdk.Record {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, map[string]string{
		"systems/s/system.json": `{"id":"s","title":"S","packs":[{"name":"rules","type":"JournalEntry"},{"name":"rules2","type":"JournalEntry"}],
			"languages":[{"lang":"en","path":"lang/en.json"},{"lang":"de","path":"/lang/de.json"},{"lang":"it","path":"../../secret.json"}],
			"documentTypes":{"Item":{"feat":{"htmlFields":["odd.place"]}}}}`,
		"systems/s/lang/en.json": "\uFEFF" + `{"S":{"Hail":"<p>Hail, <b>@UUID[Item.aaaaaaaaaaaaaaaa]{you}</b></p>","Only":"only here"},"DND5E.SkillAth":"Athletics"}`,
		"systems/s/lang/de.json": `{"S.Hail":"Heil","DND5E":{"AbilityStr":"Stärke"}}`,
		"secret.json":            `{"S.Hail":"stolen"}`,
		"modules/m/module.json":  `{"id":"m","title":"M","packs":[{"name":"p2","type":"` + typ + `","system":"s"}]}`,
	})
	page := func(id, name string) string {
		return `{"name":"R","pages":[{"_id":"` + id + `","name":"` + name + `","type":"rule"}]}`
	}
	store(t, dir, "systems/s/packs/rules", entries{"!journal!aaaaaaaaaaaaaaaa": page("b1bbbbbbbbbbbbbb", "Total Cover")})
	store(t, dir, "systems/s/packs/rules2", entries{"!journal!aaaaaaaaaaaaaaaa": page("b2bbbbbbbbbbbbbb", "Total Cover")})
	e := entries{key: doc}
	maps.Copy(e, more)
	store(t, dir, "modules/m/packs/p2", e)
	if o == nil {
		o = options{}
	}
	o["roots"] = []string{dir}
	h := read(t, open(t, o), "module/m/p2")
	for _, r := range h.records {
		if strings.HasSuffix(r.ID, key[strings.LastIndexByte(key, '!'):][1:]) {
			return r
		}
	}
	t.Fatalf("read %q", h.all)
	return sdk.Record{}
}

const ogre = `"name":"Ogre","type":"npc","system":{"abilities":{"str":{"value":19},"dex":{"value":8},"con":{"value":16},"int":{"value":5},"wis":{"value":14}},
	"attributes":{"spellcasting":"wis","hp":{"max":59},"ac":{"flat":11},"movement":{"walk":40}},"details":{"cr":2,"type":{"value":"giant"},"biography":{"value":"A [[lookup @name]]"}},
	"skills":{"ath":{"value":1}},"traits":{"size":"lg"}}`

const club = `{"_id":"cccccccccccccccc","name":"Club","type":"weapon","system":{"description":{"value":%TEXT%},"type":{"value":"simpleM"},"properties":["thr"],
	"range":{"value":30,"long":120,"reach":5,"units":"ft"},"damage":{"base":{"number":2,"denomination":8,"types":["bludgeoning"]}},
	"activities":{"a1":{"type":"attack","attack":{"type":{"value":"melee","classification":"weapon"}},"damage":{"includeBase":true,"parts":[{"number":1,"denomination":6,"bonus":"@prof","types":["fire"]}]}},
	"a2":{"type":"save","save":{"ability":["con"],"dc":{"calculation":"con"}},"target":{"affects":{"type":"creature","count":"2"}},"range":{"value":"@abilities.str.mod * 5","override":true}},
	"a3":{"type":"check","check":{"ability":"str","associated":["ath"],"dc":{"formula":"12"}}},"a4":{"type":"heal","healing":{"number":2,"denomination":4,"bonus":"2","types":["healing"]}}}}}`

// TestWords: every mark says in words what Foundry would show.
func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		// Of the document that the text stands in.
		"The [[lookup @name lowercase]]{creature}":                                                       "The ogre",
		"[[lookup @abilities.str.mod]] [[lookup @attributes.spell.dc]] [[lookup @prof]]":                 "4 12 2",
		"[[lookup @skills.ath.passive]] [[lookup path=@abilities.wis.dc]]":                               "16 12",
		"[[lookup @details.type.config.label]] [[lookup @item.name uppercase]]":                          "Giant CLUB",
		"[[lookup @range.value activity=a2]] [[lookup @save.dc.value activity=a2]]":                      "20 13",
		"[[lookup @target.affects.labels.statblock activity=a2]]":                                        "2 creatures",
		"[[lookup @nowhere.at.all]]{somewhere} [[lookup @scale.monk.die]] [[lookup @abilities.xyz.mod]]": "somewhere die xyz modifier",
		"[[/attack]] [[/attack +7]] [[/attack extended]].":                                               "+6 +7 *Melee or Ranged Weapon Attack:* +6 to hit, reach 5 ft. or range 30/120 ft.",
		"[[/damage average]]":                                                                  "13 (2d8 + 4) bludgeoning plus 5 (1d6 + 2) fire",
		"[[/damage average extended]].":                                                        "*Hit:* 13 (2d8 + 4) bludgeoning plus 5 (1d6 + 2) fire damage.",
		"[[/damage 2d6+3 fire]] [[/damage 5 type=cold average]]":                               "2d6 + 3 fire 5 cold",
		"[[/damage 1d4 type=acid|cold & 1d6 poison average]]":                                  "2 (1d4) acid or cold plus 3 (1d6) poison",
		"[[/healing average]] [[/heal 1d4 temphp]]":                                            "7 (2d4 + 2) healing 1d4 temporary hit points",
		"[[/save]] [[/save dex 15 format=long]] [[/save ability=wis dc=@attributes.spell.dc]]": "DC 13 Constitution DC 15 Dexterity saving throw DC 12 Wisdom",
		"[[/save ability=str|dex]]":                                                            "Strength or Dexterity",
		"[[/check]] [[/check dc=15 ath]] [[/skill stealth 12]] [[/check str]]":                 "DC 12 Strength (Athletics) DC 15 Strength (Athletics) DC 12 Dexterity (Stealth) Strength",
		"[[/tool ability=dex tool=thief dc=10]] [[/check passive prc]] [[/concentration 12]]":  "DC 10 Dexterity (Thief) passive Wisdom (Perception) DC 12 Constitution (concentration)",
		"[[/item Club]] [[/item .cccccccccccccccc]] [[/item x]]{y}":                            "Club Club y",
		"[[/award 50GP 10xp each]] [[/act raise-a-shield]]":                                    "50 GP, 10 XP each Raise A Shield",
		// Rolls.
		"[[/r 1d20 + 5 # Jump]] [[/roll 2d6[fire]]] [[/gmr 1d4]]{some} [[1d8]]": "1d20 + 5 2d6[fire] some 1d8",
		"[[@prof * 2]] [[/r (@prof + 1)d6]] [[/r @nobody.knows + 1d4]]":         "4 (2 + 1)d6 knows + 1d4",
		// Of other systems.
		"@Check[type:will|dc:20|basic] @Check[athletics|dc:15]{jump} @Check[fortitude]": "DC 20 basic Will save jump Fortitude save",
		"@Damage[2d6[fire]] @Damage[(1d4+2)[persistent,bleed],3[healing]]":              "2d6 fire damage 1d4+2 persistent bleed plus 3 healing",
		"@Template[type:cone|distance:30] @Template[burst|distance:10]{x}":              "30-foot cone x",
		"@Localize[S.Hail] @Localize[S.Only] @Localize[No.Such]":                        "Hail, **[you](foundry://Item.aaaaaaaaaaaaaaaa)** only here @Localize[No.Such]",
		"&Reference[TotalCover apply=false] &amp;Reference[total cover]{behind} &Reference[NoSuch Thing]": "[Total Cover](foundry://Compendium.s.rules2.JournalEntry.aaaaaaaaaaaaaaaa.JournalEntryPage.b2bbbbbbbbbbbbbb) " +
			"[behind](foundry://Compendium.s.rules2.JournalEntry.aaaaaaaaaaaaaaaa.JournalEntryPage.b2bbbbbbbbbbbbbb) No Such Thing",
		// Links.
		"@UUID[.cccccccccccccccc] @UUID[.cccccccccccccccc#x]{it}":                                           "[Club](foundry://Compendium.m.p2.Actor.oooooooooooooooo.Item.cccccccccccccccc) [it](foundry://Compendium.m.p2.Actor.oooooooooooooooo.Item.cccccccccccccccc#x)",
		"@UUID[Compendium.s.rules.JournalEntry.aaaaaaaaaaaaaaaa]":                                           "[R](foundry://Compendium.s.rules.JournalEntry.aaaaaaaaaaaaaaaa)",
		"@Embed[Compendium.s.rules.JournalEntry.aaaaaaaaaaaaaaaa.JournalEntryPage.b1bbbbbbbbbbbbbb inline]": "![Total Cover](foundry://Compendium.s.rules.JournalEntry.aaaaaaaaaaaaaaaa.JournalEntryPage.b1bbbbbbbbbbbbbb)",
		"@Compendium[x.y.Mr. Z] @UUID[]{none} @UUID[Actor.Some One.Item.y]":                                 "[Mr. Z](<foundry://Compendium.x.y.Document.Mr. Z>) none [Some One](<foundry://Actor.Some One.Item.y>)",
		// Not known: the label, else the text as it stands.
		"[[/dance wildly]]{a dance} [[/dance]] @Dance[x[y]] @Dance[z]{w} [[/r 1d6]]{@Damage[3[cold]]}": "a dance [[/dance]] @Dance[x[y]] w 3 cold damage",
	} {
		doc := `{` + ogre + `,"items":["cccccccccccccccc"]}`
		r := wrote(t, nil, "Actor", "!actors!oooooooooooooooo", doc, entries{
			"!actors.items!oooooooooooooooo.cccccccccccccccc": strings.Replace(club, "%TEXT%", quote(t, text), 1),
		})
		i := slices.IndexFunc(r.Texts, func(x sdk.Text) bool { return x.Pointer == "/items/0/system/description/value" })
		if i < 0 || r.Texts[i].Markdown != want || r.Texts[i].Title != "Club" || r.Texts[i].Role != "description" {
			t.Errorf("%q\ngot  %+v\nwant %q", text, r.Texts, want)
		}
	}
}

func TestLanguage(t *testing.T) {
	for language, want := range map[string]string{"de": "Heil only here Stärke (Athletics)", "": "**[you]", "xx": "**[you]", "it": "**[you]"} {
		r := wrote(t, options{"language": language}, "Item", "!items!x", `{"name":"x","system":{"description":{"value":"@Localize[S.Hail] @Localize[S.Only] [[/check str skill=ath]]"}}}`, nil)
		if len(r.Texts) != 1 || !strings.Contains(r.Texts[0].Markdown, want) {
			t.Errorf("%q: %+v", language, r.Texts)
		}
	}
}

// TestWhatIsText: by its name, by its form, or because the system says so.
func TestWhatIsText(t *testing.T) {
	r := wrote(t, nil, "Item", "!items!x", `{"name":"x","type":"feat","img":"a.png","system":{"description":{"value":"plain","chat":"<p>c</p>"},
		"odd":{"place":"declared"},"privateNotes":"for me","other":"no text","strange":"<p>by its tags</p>","identifier":"a-b"},
		"flags":{"m":{"html":"<p>no</p>"}},"effects":["e"]}`, entries{
		"!items.effects!x.e": `{"name":"E","description":"<p>of an effect</p>","changes":[{"key":"k","value":"<p>no</p>"}]}`,
	})
	var got []string
	for _, x := range r.Texts {
		got = append(got, x.Pointer+" "+x.Role+" "+x.Title+" "+x.Markdown)
	}
	want := []string{
		"/system/description/value description  plain", "/system/description/chat description  c", "/system/odd/place other  declared",
		"/system/privateNotes notes  > [!secret]\n> for me", "/system/strange other  by its tags", "/effects/0/description description E of an effect",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

// TestSecrets: what is dropped is in no part of the record.
func TestSecrets(t *testing.T) {
	const doc = `{"name":"x","system":{"description":{"value":"<p>a \"q\" \u00e4<\/p><section class=\"secret\"><p>hush @UUID[Item.aaaaaaaaaaaaaaaa] <img src='hush.png'></p></section>","gm":"hush"},"n":1.50}}`
	for mode, want := range map[string]string{
		"": "a \"q\" ä\n\n> [!secret]\n> hush [aaaaaaaaaaaaaaaa](foundry://Item.aaaaaaaaaaaaaaaa) ![](hush.png)", "drop": "a \"q\" ä",
		"keep": "a \"q\" ä\n\nhush [aaaaaaaaaaaaaaaa](foundry://Item.aaaaaaaaaaaaaaaa) ![](hush.png)",
	} {
		r := wrote(t, options{"secrets": mode}, "Item", "!items!x", doc, nil)
		if len(r.Texts) == 0 || r.Texts[0].Markdown != want || (mode != "drop") != r.Texts[0].HasSecrets {
			t.Errorf("%q: %+v", mode, r.Texts)
		}
		whole, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if gone := !strings.Contains(string(whole), "hush"); gone != (mode == "drop") {
			t.Errorf("%q: %s", mode, whole)
		}
		if !json.Valid(r.JSON) || !strings.Contains(string(r.JSON), `"n":1.50`) {
			t.Errorf("%q: %s", mode, r.JSON)
		}
	}
}

func TestSecretsOption(t *testing.T) {
	err := foundry.New().Configure(t.Context(), sdk.Configuration{Options: json.RawMessage(`{"roots":["."],"secrets":"shout"}`)})
	if d := sdk.Diagnose(err, ""); err == nil || d[0].ConfigPath != "/secrets" || d[0].Kind != sdk.Invalid {
		t.Errorf("got %v", err)
	}
}

// TestScene: facts are the same whatever version wrote the scene.
func TestScene(t *testing.T) {
	for version, doc := range map[string]string{
		"13": `{"name":"x","width":400,"height":300,"padding":0.1,"background":{"src":"m.webp","offsetX":5},"backgroundColor":"#999","foreground":"f.webp",
			"grid":{"type":1,"size":100,"distance":5,"units":"ft"},"environment":{"darknessLevel":0.5,"globalLight":{"enabled":true}},"tokenVision":true,
			"walls":["w1","w2","w3"],"lights":["l"],"tokens":["t"]}`,
		"9": `{"name":"x","width":400,"height":300,"padding":0.1,"img":"m.webp","shiftX":5,"backgroundColor":"#999","foreground":"f.webp",
			"gridType":1,"grid":100,"gridDistance":5,"gridUnits":"ft","darkness":0.5,"globalLight":true,"tokenVision":true,
			"walls":["w1","w2","w3"],"lights":["l"],"tokens":["t"]}`,
	} {
		door := `{"c":[0,0,10,0],"move":20,"sight":20,"light":20,"sound":20,"dir":0,"door":1,"ds":2}`
		window := `{"c":[10,0,10,20.5],"move":20,"sight":0,"light":0,"sound":0,"dir":1,"door":0,"ds":1}`
		lamp := `{"x":1,"y":2,"rotation":0,"walls":true,"config":{"dim":20,"bright":10,"angle":360,"color":"#ff0","alpha":0.4}}`
		if version == "9" {
			door = `{"c":[0,0,10,0],"move":1,"sense":1,"sound":1,"door":1,"ds":2}`
			window = `{"c":[10,0,10,20.5],"move":1,"sense":0,"sound":0,"dir":1}`
			lamp = `{"x":1,"y":2,"dim":20,"bright":10,"angle":360,"tintColor":"#ff0","tintAlpha":0.4}`
		}
		r := wrote(t, nil, "Scene", "!scenes!x", doc, entries{
			"!scenes.walls!x.w1": door, "!scenes.walls!x.w2": window, "!scenes.walls!x.w3": `{"c":[1]}`,
			"!scenes.lights!x.l": lamp, "!scenes.tokens!x.t": `{"_id":"tttttttttttttttt","name":"T","delta":null}`,
		})
		want := `{"width":400,"height":300,"padding":0.1,"background":"m.webp","foreground":"f.webp","offset_x":5,"background_color":"#999",` +
			`"grid":{"type":"square","size":100,"distance":5,"units":"ft"},"darkness":0.5,"global_light":true,"token_vision":true,"walls":[` +
			`{"from":[0,0],"to":[10,0],"move":"normal","sight":"normal","light":"normal","sound":"normal","door":"door","state":"locked"},` +
			`{"from":[10,0],"to":[10,20.5],"move":"normal","sight":"none","light":"none","sound":"none","direction":"left"}],` +
			`"lights":[{"x":1,"y":2,"dim":20,"bright":10,"angle":360,"color":"#ff0","alpha":0.4,"walls":true}],"counts":{"lights":1,"tokens":1,"walls":3}}`
		if string(r.Facts) != want {
			t.Errorf("version %s\ngot  %s\nwant %s", version, r.Facts, want)
		}
		if len(r.Embedded) != 1 || r.Embedded[0].Part != "Token.tttttttttttttttt" || r.Embedded[0].Name != "T" {
			t.Errorf("version %s: %+v", version, r.Embedded)
		}
	}
}

func TestTable(t *testing.T) {
	r := wrote(t, nil, "RollTable", "!tables!x", `{"name":"x","formula":"1d6","replacement":false,"results":["a","b","c"]}`, entries{
		"!tables.results!x.a": `{"_id":"a","range":[1,2],"weight":2,"text":"Gold [[/r 2d6]]","drawn":true,"img":"icons/a.svg"}`,
		"!tables.results!x.b": `{"_id":"b","range":[3,5],"weight":3,"name":"N","description":"<p>@UUID[Item.aaaaaaaaaaaaaaaa]{Sword}</p>"}`,
		"!tables.results!x.c": `{"_id":"c","range":[6,6],"name":"Orc","documentUuid":"Compendium.m.p2.Actor.aaaaaaaaaaaaaaaa"}`,
	})
	want := `{"formula":"1d6","replacement":false,"results":[{"range":[1,2],"weight":2,"text":"Gold 2d6","image":"icons/a.svg","drawn":true},` +
		`{"range":[3,5],"weight":3,"text":"[Sword](foundry://Item.aaaaaaaaaaaaaaaa)"},{"range":[6,6],"weight":1,"text":"Orc","target":"Compendium.m.p2.Actor.aaaaaaaaaaaaaaaa"}]}`
	if string(r.Facts) != want {
		t.Errorf("got  %s\nwant %s", r.Facts, want)
	}
}

// TestPages: pages of every type, in their order, each with its text, if it has one.
func TestPages(t *testing.T) {
	r := wrote(t, nil, "JournalEntry", "!journal!x", `{"name":"x","pages":["a","b","c","d","e","f"],"categories":["k"]}`, entries{
		"!journal.pages!x.a":      `{"_id":"a","name":"A","type":"text","title":{"show":true,"level":2},"text":{"format":1,"content":"<p>One</p>","markdown":"no"},"ownership":{"default":0}}`,
		"!journal.pages!x.b":      `{"_id":"b","name":"B","type":"text","title":{"show":false,"level":1},"text":{"format":2,"content":"<p>no</p>","markdown":"# *Two* @UUID[Item.aaaaaaaaaaaaaaaa]{x_y}"},"category":"k"}`,
		"!journal.pages!x.c":      `{"_id":"c","name":"C","type":"image","src":"c.webp","image":{"caption":"A cave"}}`,
		"!journal.pages!x.d":      `{"_id":"d","name":"D","type":"pdf","src":"d.pdf"}`,
		"!journal.pages!x.e":      `{"_id":"e","name":"E","type":"video","src":"https://example.org/e.webm","video":{"loop":true}}`,
		"!journal.pages!x.f":      `{"_id":"f","name":"F","type":"m.spells","system":{"description":{"value":"<p>Six</p>"}}}`,
		"!journal.categories!x.k": `{"_id":"k","name":"K"}`,
	})
	want := `{"pages":[{"id":"a","name":"A","type":"text","format":"html","pointer":"/pages/0","level":2,"visibility":"gm"},` +
		`{"id":"b","name":"B","type":"text","format":"markdown","pointer":"/pages/1","level":1,"title_hidden":true,"category":"k"},` +
		`{"id":"c","name":"C","type":"image","pointer":"/pages/2","level":1,"source":"c.webp","caption":"A cave"},` +
		`{"id":"d","name":"D","type":"pdf","pointer":"/pages/3","level":1,"source":"d.pdf"},` +
		`{"id":"e","name":"E","type":"video","pointer":"/pages/4","level":1,"source":"https://example.org/e.webm"},` +
		`{"id":"f","name":"F","type":"m.spells","pointer":"/pages/5","level":1}]}`
	if string(r.Facts) != want {
		t.Errorf("got  %s\nwant %s", r.Facts, want)
	}
	var texts []string
	for _, x := range r.Texts {
		texts = append(texts, x.Title+" "+x.Role+" "+x.Markdown)
	}
	if want := []string{"A page One", "B page # *Two* [x\\_y](foundry://Item.aaaaaaaaaaaaaaaa)", "C caption A cave", "F page Six"}; !slices.Equal(texts, want) && texts[1] != "B page # *Two* [x_y](foundry://Item.aaaaaaaaaaaaaaaa)" {
		t.Errorf("got  %q\nwant %q", texts, want)
	}
	old := wrote(t, nil, "JournalEntry", "!journal!x", `{"name":"x","content":"<h1>Old</h1>","img":"o.png"}`, nil)
	if len(old.Texts) != 1 || old.Texts[0].Markdown != "# Old" || !strings.Contains(string(old.Facts), `"pointer":"/content"`) {
		t.Errorf("before v10: %+v, %s", old.Texts, old.Facts)
	}
}

// TestEmbedded: documents at any depth, each with what is known of it.
func TestEmbedded(t *testing.T) {
	doc := `{"name":"A","scenes":[{"_id":"s","name":"S","tokens":[{"_id":"t","name":"T","delta":{"_id":"d","items":[{"_id":"i","name":"I","type":"loot",
		"effects":[{"_id":"e","name":"E"}]}]}}],"regions":[{"_id":"r","name":"R","behaviors":[{"_id":"b","name":"B","type":"x"}]}]}],
		"actors":[{"_id":"a","name":"Orc","type":"npc","items":[{"_id":"w","name":"Axe","type":"weapon","system":{"publication":{"title":"Core","license":"ORC","page":4}},
		"_stats":{"compendiumSource":"Compendium.m.p2.bbbbbbbbbbbbbbbb"}}]}]}`
	r := wrote(t, nil, "Adventure", "!adventures!x", doc, nil)
	var got []string
	for _, e := range r.Embedded {
		got = append(got, e.Part+" "+e.Pointer+" "+e.Kind+" "+e.NativeType+" "+e.Name)
	}
	want := []string{
		"Actor.a /actors/0 creature Actor/npc Orc", "Actor.a.Item.w /actors/0/items/0 item Item/weapon Axe", "Scene.s /scenes/0 scene Scene S",
		"Scene.s.Token.t /scenes/0/tokens/0 other Token T", "Scene.s.Token.t.ActorDelta.d /scenes/0/tokens/0/delta other ActorDelta ",
		"Scene.s.Token.t.ActorDelta.d.Item.i /scenes/0/tokens/0/delta/items/0 item Item/loot I",
		"Scene.s.Token.t.ActorDelta.d.Item.i.ActiveEffect.e /scenes/0/tokens/0/delta/items/0/effects/0 condition ActiveEffect E",
		"Scene.s.Region.r /scenes/0/regions/0 other Region R", "Scene.s.Region.r.RegionBehavior.b /scenes/0/regions/0/behaviors/0 other RegionBehavior/x B",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	axe := r.Embedded[1]
	if axe.Book != "Core" || axe.Page != 4 || axe.License.Expression != "ORC" || axe.License.Attribution != "Core" ||
		axe.DerivedFrom != "Compendium.m.p2.Adventure.bbbbbbbbbbbbbbbb" {
		t.Errorf("got %+v", axe)
	}
	if string(r.Facts) != `{"Actor":1,"Scene":1}` {
		t.Errorf("facts %s", r.Facts)
	}
	deep := strings.Repeat(`{"items":[`, 30) + strings.Repeat(`]}`, 30)
	if r := wrote(t, nil, "Actor", "!actors!x", `{"name":"x","delta":`+deep+`}`, nil); len(r.Embedded) != 0 {
		t.Errorf("got %+v", r.Embedded)
	}
}

func TestStats(t *testing.T) {
	r := wrote(t, nil, "Actor", "!actors!x", `{`+ogre+`}`, nil)
	want := map[string]any{
		"abilities": map[string]any{"str": 19., "dex": 8., "con": 16., "int": 5., "wis": 14.}, "ac": 11., "cr": 2., "hp": 59., "size": "lg", "speed": 40., "type": "giant",
	}
	var got map[string]any
	if err := json.Unmarshal(r.Facts, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %s, %v", r.Facts, err)
	}
	r = wrote(t, nil, "Item", "!items!x", `{"name":"x","type":"spell","data":{"level":3,"school":"evo","price":{"value":"5","denomination":"gp"},"properties":["vocal","mgc"],"rarity":""}}`, nil)
	if want := `{"level":3,"price":5,"price_unit":"gp","properties":["mgc","vocal"],"school":"evo"}`; string(r.Facts) != want {
		t.Errorf("got  %s\nwant %s", r.Facts, want)
	}
}

// TestLicencesOfFiles: a file has the licence that the nearest folder states for it, and the licence of programs says nothing.
func TestLicencesOfFiles(t *testing.T) {
	data, _ := shelf(t)
	put(t, data, map[string]string{
		"systems/a/system.json": `{"id":"a"}`, "systems/a/LICENSE.txt": "Permission is hereby granted, free of charge, to any person", "systems/a/x.png": "x",
		"systems/a/icons/LICENSE":   "Icons\n\n/svg/a.svg - \"Sun\" by Ann under CC BY 3.0\n/svg/b.svg - \"Sea\" by Ben under CC BY 3.0 & \"Sky\" by Cy under CC0 PDD\n",
		"systems/a/icons/svg/a.svg": "a", "systems/a/icons/svg/b.svg": "b", "systems/a/icons/svg/c.svg": "c",
		"modules/b/module.json": `{"id":"b"}`, "modules/b/LICENSE": "This is free and unencumbered software released into the\npublic domain.", "modules/b/maps/x.png": "x",
		"modules/c/module.json": `{"id":"c"}`, "modules/c/LICENSE.md": "Attribution 4.0 International ... Open Game License, version 1.0a", "modules/c/x.png": "x",
	})
	var docs []string
	want := map[string]sdk.License{
		"systems/a/x.png": {}, "systems/a/icons/svg/c.svg": {}, "modules/c/x.png": {}, "sub/x.webp": {},
		"systems/a/icons/svg/a.svg": {Expression: "CC-BY-3.0", Attribution: `"Sun" by Ann`, From: "package"},
		"systems/a/icons/svg/b.svg": {Expression: "CC-BY-3.0 AND CC0-1.0", Attribution: `"Sea" by Ben & "Sky" by Cy`, From: "package"},
		"modules/b/maps/x.png":      {Expression: "Unlicense", From: "package"},
	}
	for ref := range want {
		docs = append(docs, `{"img":`+quote(t, ref)+`}`)
	}
	for _, assets := range drawings(t, nil, data, docs...) {
		if a := assets[0]; a.Status != sdk.Present || a.License != want[a.URI] {
			t.Errorf("%s: %+v", a.URI, a)
		}
	}
}

// TestLicenceOfPackage: a document without a licence has that of its package: of the manifest, else of the file beside it.
func TestLicenceOfPackage(t *testing.T) {
	const free = "This is free and unencumbered software released into the public domain."
	for name, tc := range map[string]struct{ manifest, file, doc, want string }{
		"file":     {"", free, "", "Unlicense"},
		"manifest": {"CC-BY-4.0", free, "", ""}, // that of the stream
		"document": {"", free, "ORC", "ORC"},
		"programs": {"", "Permission is hereby granted, free of charge, to any person", "", ""},
		"unknown":  {"", "Ask me.", "", ""},
	} {
		dir := t.TempDir()
		put(t, dir, map[string]string{
			"modules/m/module.json": `{"id":"m","title":"M","license":"` + tc.manifest + `","packs":[{"name":"p","type":"Item"}]}`, "modules/m/LICENSE": tc.file,
		})
		store(t, dir, "modules/m/packs/p", entries{"!items!x": `{"name":"x","system":{"publication":{"license":"` + tc.doc + `"}}}`})
		r := read(t, open(t, options{"roots": []string{dir}})).of(t, "x")
		if r.License.Expression != tc.want || (tc.want != "") != (r.License.Attribution == "M") {
			t.Errorf("%s: %+v", name, r.License)
		}
	}
}

// TestPicturesInDocuments: they become files, once each, which the engine opens; damaged ones stay references.
func TestPicturesInDocuments(t *testing.T) {
	data, _ := shelf(t)
	const gif = "R0lGODlhAQABAAAAACw="
	for i, assets := range drawings(t, nil, data,
		`{"thumb":"data:image/gif;base64,`+gif+`","img":"data:image/gif;base64,`+gif+`"}`, `{"thumb":"data:image/png;base64,!!!"}`,
		`{"thumb":"data:image/svg+xml,%3Csvg/%3E"}`, `{"thumb":"data:image/png;base64,"}`,
	) {
		a := assets[0]
		if a.Status != sdk.DataURI || !strings.HasPrefix(a.URI, "data:image/") || len(a.URI) > 80 {
			t.Errorf("%d: %+v", i, a)
		}
		if want := []int64{14, 0, 6, 0}[i]; a.Size != want || (a.Path == "") != (want == 0) || a.Path != "" && !filepath.IsAbs(a.Path) {
			t.Errorf("%d: %+v", i, a)
		}
		if i == 0 && (len(assets) != 2 || assets[1].Path != a.Path || assets[1].URI != a.URI) {
			t.Errorf("twice: %+v", assets)
		}
	}
}

// TestNames: a link may have a name where an id belongs.
func TestNames(t *testing.T) {
	r := wrote(t, nil, "Item", "!items!x", `{"name":"Mr. X: the end","system":{"description":{"value":"@UUID[Compendium.m.p2.Item.Mr. Y.ActiveEffect.z]"}}}`, nil)
	if !slices.Equal(r.Aliases, []string{"Compendium.m.p2.Item.Mr. X: the end"}) {
		t.Errorf("got %q", r.Aliases)
	}
	if l := r.Links[0]; l.Target != "Compendium.m.p2.Item.Mr. Y" || l.Part != "ActiveEffect.z" {
		t.Errorf("got %+v", l)
	}
}
