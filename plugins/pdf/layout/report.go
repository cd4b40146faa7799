package layout

// report says what was found out about the sheet.
func (s *sheet) report() {
	r := Report{Page: s.Number, Label: s.label, Geometry: s.geometry, Suspicious: s.suspicious, Gutters: s.gutters, Tables: len(s.tables), Chars: s.Chars}
	for _, i := range s.heads {
		r.Heads = append(r.Heads, s.Fragments[i].Text)
	}
	s.found = r
}
