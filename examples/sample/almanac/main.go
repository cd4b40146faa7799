// Command almanac makes the rulebook of the sample: a few pages in two columns, as a PDF file.
//
// It owns how the words of almanac.txt are set and the form of the file; the words are original. It starts no goroutine and uses
// neither the clock nor chance: the same words give the same bytes, which its test checks against what is committed.
//
//	go run ./examples/sample/almanac            # from the root of the repository
package main

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
)

//go:embed almanac.txt
var words string

func main() {
	out := flag.String("out", "examples/rulebooks/lampwrights-almanac.pdf", "file to write")
	picture := flag.String("map", "examples/FoundryData/modules/ninth-lamp/maps/pellwick-isle.jpg", "the JPEG on its last page")
	flag.Parse()
	if err := run(*out, *picture); err != nil {
		fmt.Fprintln(os.Stderr, "make the almanac:", err)
		os.Exit(1)
	}
}

func run(out, picture string) error {
	drawing, err := os.ReadFile(picture)
	if err != nil {
		return err
	}
	made, err := set(words, drawing)
	if err != nil {
		return err
	}
	return os.WriteFile(out, made, 0o644) //nolint:gosec // everybody may read it
}
