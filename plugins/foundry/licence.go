package foundry

import (
	"path"
	"regexp"
	"strings"

	"github.com/seed-98789ff7/converter/sdk"
)

// statement is what the licence file of a folder says: of all that lies in the folder, or of single files.
type statement struct {
	whole sdk.License
	files map[string]sdk.License // by path inside the folder
}

// maxLicence is longer than any licence file.
const maxLicence = 1 << 20

// state reads the licence file of a folder; of several, the first by name.
func state(r root, dir string) statement {
	entries, err := r.readDir(dir)
	if err != nil {
		return statement{}
	}
	for _, e := range entries {
		switch word := strings.ToLower(strings.TrimSuffix(e.Name(), path.Ext(e.Name()))); word {
		case "license", "licence", "copying", "ogl", "unlicense":
		default:
			continue
		}
		data, err := r.read(path.Join(dir, e.Name()), maxLicence)
		if err != nil {
			continue
		}
		s := statement{files: single(string(data))}
		if expression := recognise(string(data)); expression != "" && len(s.files) == 0 {
			s.whole = sdk.License{Expression: expression, From: "package"}
		}
		return s
	}
	return statement{}
}

// perFile is a line of a licence file that speaks of one file: its path, what it is and whose, and its licences.
var perFile = regexp.MustCompile(`^\s*[-*]?\s*/?([^\s"]+\.[a-zA-Z0-9]{2,5})\s*[-–—:]\s*(.+)$`)

// work is one work on such a line: `"Title" by Author under Licence`.
var work = regexp.MustCompile(`^(.+?)\s+(?:under|licensed under)\s+(?:the\s+)?(.+)$`)

// single reads the lines that speak of single files.
func single(text string) map[string]sdk.License {
	files := map[string]sdk.License{}
	for line := range strings.Lines(text) {
		m := perFile.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		var all sdk.License
		for part := range strings.SplitSeq(m[2], " & ") {
			w := work.FindStringSubmatch(strings.TrimSpace(part))
			if w == nil {
				all = sdk.License{}
				break
			}
			expression := spdx(w[2])
			switch all.Expression {
			case "":
				all = sdk.License{Expression: expression, Attribution: w[1], From: "package"}
			default:
				all.Attribution += " & " + w[1]
				if all.Expression != expression {
					all.Expression += " AND " + expression
				}
			}
		}
		if all.Expression != "" {
			files[path.Clean(m[1])] = all
		}
	}
	return files
}

// spdx is a licence in the words of SPDX, where its own are those of Creative Commons.
func spdx(words string) string {
	words = strings.TrimRight(strings.TrimSpace(words), ".")
	upper := strings.ToUpper(words)
	switch {
	case strings.HasPrefix(upper, "CC0"):
		return "CC0-1.0"
	case strings.HasPrefix(upper, "CC BY"), strings.HasPrefix(upper, "CC-BY"):
		return strings.ReplaceAll(upper, " ", "-")
	}
	return words
}

// licence is what is stated for a file of a root: by the nearest folder of its package that has a licence file. The licence
// of a program's text says nothing of pictures.
func (f *files) licence(r root, name string) sdk.License {
	parts := strings.Split(name, "/")
	if len(parts) < 3 {
		return sdk.License{}
	}
	for i := len(parts) - 1; i >= 2; i-- {
		dir := strings.Join(parts[:i], "/")
		for _, place := range r.search {
			if !place.packages {
				continue
			}
			key := place.dir + "\x00" + dir
			s, ok := f.stated[key]
			if !ok {
				s = state(place, dir)
				f.stated[key] = s
			}
			if l, ok := s.files[strings.Join(parts[i:], "/")]; ok {
				return l
			}
			if s.whole.Expression != "" && !forPrograms[s.whole.Expression] {
				return s.whole
			}
		}
	}
	return sdk.License{}
}

// forPrograms are licences that people put on the text of programs, and that say nothing of what a package's documents and
// pictures may be used for.
var forPrograms = map[string]bool{
	"MIT": true, "Apache-2.0": true, "GPL-2.0": true, "GPL-3.0": true, "LGPL-3.0": true, "AGPL-3.0": true, "MPL-2.0": true,
}

// licenceTexts are words that stand in a licence's text and in no other's, and what it is called.
var licenceTexts = []struct{ words, name string }{
	{"attribution-noncommercial-sharealike 4.0", "CC-BY-NC-SA-4.0"},
	{"attribution-noncommercial-noderivatives 4.0", "CC-BY-NC-ND-4.0"},
	{"attribution-noncommercial 4.0", "CC-BY-NC-4.0"},
	{"attribution-sharealike 4.0", "CC-BY-SA-4.0"},
	{"attribution-sharealike 3.0", "CC-BY-SA-3.0"},
	{"attribution-noderivatives 4.0", "CC-BY-ND-4.0"},
	{"attribution 4.0 international", "CC-BY-4.0"},
	{"attribution 3.0", "CC-BY-3.0"},
	{"cc0 1.0 universal", "CC0-1.0"},
	{"open game license version 1.0a", "OGL-1.0a"},
	{"orc license", "ORC"},
	{"this is free and unencumbered software released into the public domain", "Unlicense"},
	{"permission is hereby granted free of charge", "MIT"},
	{"apache license version 2.0", "Apache-2.0"},
	{"gnu affero general public license version 3", "AGPL-3.0"},
	{"gnu lesser general public license version 3", "LGPL-3.0"},
	{"gnu general public license version 3", "GPL-3.0"},
	{"gnu general public license version 2", "GPL-2.0"},
	{"mozilla public license version 2.0", "MPL-2.0"},
}

// recognise is what a licence is called whose text is given. A text that holds several, or none that is known, is no answer.
func recognise(text string) string {
	text = strings.ToLower(strings.NewReplacer(",", " ", `"`, " ", "(", " ", ")", " ").Replace(text))
	text = strings.Join(strings.Fields(text), " ")
	name := ""
	for _, l := range licenceTexts {
		switch {
		case !strings.Contains(text, l.words):
		case name != "":
			return ""
		default:
			name = l.name
		}
	}
	return name
}
