package memory

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// closers are the quotation marks that a name may stand in.
var closers = map[rune]string{'"': `"`, '\'': `'`, '`': "`", '“': "”", '„': "“", '‘': "’", '«': "»"}

// normalise replaces what differs between two messages of one cause: quoted names, paths and file names, numbers and
// hexadecimal ids.
func normalise(message string) string {
	message = clip(message, messageLimit)
	var b strings.Builder
	b.Grow(len(message))
	before := ' '
	for message != "" {
		r, size := utf8.DecodeRuneInString(message)
		if closer, ok := closers[r]; ok && !isWord(before) {
			if length := quotedLength(message[size:], closer); length >= 0 {
				b.WriteString(`"*"`)
				message = message[size+length+len(closer):]
				before = '"'
				continue
			}
		}
		if isBreak(r) {
			b.WriteRune(r)
			message, before = message[size:], r
			continue
		}
		end := wordEnd(message)
		b.WriteString(normalWord(message[:end]))
		before, _ = utf8.DecodeLastRuneInString(message[:end])
		message = message[end:]
	}
	return b.String()
}

// quotedLength returns where closer ends the quotation at the beginning of text, or -1. An apostrophe within a word
// ends none.
func quotedLength(text, closer string) int {
	from := 0
	for {
		i := strings.Index(text[from:], closer)
		if i < 0 {
			return -1
		}
		after, _ := utf8.DecodeRuneInString(text[from+i+len(closer):])
		if closer != "'" && closer != "’" || !isWord(after) {
			return from + i
		}
		from += i + len(closer)
	}
}

func isWord(r rune) bool { return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r)) }

func isBreak(r rune) bool {
	if _, quote := closers[r]; quote {
		return true
	}
	return unicode.IsSpace(r) || strings.ContainsRune("()[]{}<>,;:=|", r)
}

func wordEnd(text string) int {
	for i, r := range text {
		if i > 0 && isBreak(r) {
			return i
		}
	}
	return len(text)
}

func normalWord(word string) string {
	body := strings.TrimRight(word, ".!?")
	tail := word[len(body):]
	switch {
	case strings.ContainsAny(body, `/\`) && len(body) > 1, isFileName(body):
		return "*" + tail
	case isHex(body):
		return "#" + tail
	}
	return withoutNumbers(body) + tail
}

// isFileName reports whether word ends like a file name: a dot and two to five letters or digits, a letter first.
func isFileName(word string) bool {
	dot := strings.LastIndexByte(word, '.')
	if dot < 1 || len(word)-dot-1 < 2 || len(word)-dot-1 > 5 {
		return false
	}
	for i, r := range word[dot+1:] {
		if !isWord(r) || (i == 0 && !unicode.IsLetter(r)) {
			return false
		}
	}
	return true
}

// isHex reports whether word is an id: hexadecimal and long, or marked as such. UUIDs are.
func isHex(word string) bool {
	digits, marked := strings.CutPrefix(strings.ToLower(word), "0x")
	numbers := false
	for _, r := range digits {
		switch {
		case r >= '0' && r <= '9':
			numbers = true
		case (r >= 'a' && r <= 'f') || r == '-':
		default:
			return false
		}
	}
	return (marked && digits != "") || (numbers && len(digits) >= 8)
}

// withoutNumbers replaces each number by one mark.
func withoutNumbers(word string) string {
	if !strings.ContainsAny(word, "0123456789") {
		return word
	}
	var b strings.Builder
	inside := false
	for i, r := range word {
		digit := r >= '0' && r <= '9'
		if inside && (r == '.' || r == '_') && i+1 < len(word) && word[i+1] >= '0' && word[i+1] <= '9' {
			continue
		}
		if !digit {
			b.WriteRune(r)
		} else if !inside {
			b.WriteByte('#')
		}
		inside = digit || (inside && (r == '.' || r == '_'))
	}
	return b.String()
}
