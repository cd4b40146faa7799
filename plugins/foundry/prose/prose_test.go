package prose

import (
	"strings"
	"testing"
)

func TestHTML(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"paragraphs":       {"<p>One\n two</p>\n<p>Three&nbsp;four</p>", "One two\n\nThree four"},
		"text alone":       {"a &amp; b<br>c", "a & b  \nc"},
		"headings":         {"<h1>A</h1><h3><strong>B</strong> c</h3><p>d</p>", "# A\n\n### **B** c\n\nd"},
		"emphasis":         {"<p>a<strong> b </strong>c <em>d</em><i></i> <s>e</s></p>", "a **b** c *d* ~~e~~"},
		"lists":            {"<ul><li>a</li><li><p>b</p><ol start='3'><li>c</li><li>d</li></ol></li></ul>", "- a\n- b\n  3. c\n  4. d"},
		"paragraphs in it": {"<ul><li><p>a</p><p>b</p></li></ul>", "- a\n\n  b"},
		"table": {
			"<table><caption>Loot</caption><thead><tr><th>d4</th><th>It</th></tr></thead><tbody><tr><td>1</td><td>a|b<br>c</td></tr>" +
				"<tr><td><p>2</p></td><td><ul><li>d</li><li>e</li></ul></td></tr></tbody></table>",
			"**Loot**\n\n| d4 | It |\n| --- | --- |\n| 1 | a\\|b<br>c |\n| 2 | - d<br>- e |",
		},
		"table without head": {"<table><tr><td>a</td><td>b</td></tr></table>", "|  |  |\n| --- | --- |\n| a | b |"},
		"spans": {
			"<table><tr><th colspan=2>A</th><th>B</th></tr><tr><td rowspan=2>1</td><td>2</td><td>3</td></tr><tr><td>4</td><td>5</td></tr></table>",
			"| A |  | B |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n|  | 4 | 5 |",
		},
		"quotation":          {"<blockquote><p>a</p><p>b</p></blockquote>", "> a\n>\n> b"},
		"rule and code":      {"<hr><pre>x\n  *y*</pre><p><code>a  b</code></p>", "---\n\n```\nx\n  *y*\n```\n\n`a b`"},
		"links and pictures": {`<p><a href="https://a.b/c d">x</a> <img src="m/a.webp" alt="An *a*"></p>`, "[x](<https://a.b/c d>) ![An \\*a\\*](m/a.webp)"},
		"no program":         {`<script>x()</script><style>p{}</style><p onclick="x">a <a href="javascript:x()">b</a></p>`, "a b"},
		"written link":       {`<a class="content-link" data-uuid="Actor.x">Ann</a>`, "[Ann](foundry://Actor.x)"},
		"details":            {"<details><summary>More</summary><p>a</p></details>", "**More**\n\na"},
		"signs":              {"<p>2*3*4 a_b _c_ `d` &lt;e> # f</p><p># g</p><p>1. h</p><p>- i</p><p>[j](k)</p>", "2\\*3\\*4 a_b \\_c\\_ \\`d\\` \\<e> # f\n\n\\# g\n\n1\\. h\n\n\\- i\n\n[j\\](k)"},
		"decoration":         {"<p><span>a </span><span style='x'>[[/r</span><font> 1]]</font></p>", "a [[/r 1]]"},
		"secret":             {`<p>a</p><section class="secret" id="x"><p>b</p><ul><li>c</li></ul></section>`, "a\n\n> [!secret]\n> b\n>\n> - c"},
		"empty secret":       {`<p>a</p><section class="secret"></section>`, "a"},
		"revealed":           {`<section class="secret revealed"><p>b</p></section>`, "b"},
		"data picture":       {`<img src="data:image/png;base64,AAAA">`, "![](data:image/png)"},
		"damaged":            {"<p>a<p>b</div><b>c", "a\n\nb**c**"},
		"nothing":            {"<p> </p><p>&nbsp;</p><!-- x -->", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var w Writer
			got, secrets := w.HTML(tc.in)
			if got != tc.want {
				t.Errorf("got  %q\nwant %q", got, tc.want)
			}
			if want := strings.Contains(tc.in, "secret") && name != "revealed"; secrets != want {
				t.Errorf("secrets: %v", secrets)
			}
		})
	}
}

func TestSecrets(t *testing.T) {
	const in = `<p>a</p><section class="x secret"><p>b</p></section><p>c</p>`
	for mode, want := range map[string]string{Mark: "a\n\n> [!secret]\n> b\n\nc", Drop: "a\n\nc", Keep: "a\n\nb\n\nc"} {
		w := Writer{Secrets: mode}
		if got, found := w.HTML(in); got != want || !found {
			t.Errorf("%s: %q, %v", mode, got, found)
		}
	}
}

func TestWithoutSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"nothing":                               "nothing",
		"a secret <b>&amp; more":                "a secret <b>&amp; more",
		`a<section class="secret">b</section>c`: "ac",
		`<P>a<SECTION id=x CLASS='y secret'>b<section>c</section>d</SECTION ><p>e &amp; f`: "<P>a<p>e &amp; f",
		`a<section class=secret>b`:                                                "a",
		`a<section class="secret"/>b`:                                             "a",
		`<section class="secret revealed">a</section>`:                            `<section class="secret revealed">a</section>`,
		`<section>secret</section>`:                                               `<section>secret</section>`,
		`<section class="secret">a</section>b<section class="secret">c</section>`: "b",
	} {
		if got, found := WithoutSecrets(in); got != want || found != (got != in) {
			t.Errorf("%q: %q, %v; want %q", in, got, found, want)
		}
	}
}

func TestPlain(t *testing.T) {
	w := Writer{}
	if got, want := w.Plain(" a\nb *c*\r\n\r\n\n1. d\n"), "a  \nb \\*c\\*\n\n1\\. d"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestDeep: HTML that is nested without end ends.
func TestDeep(t *testing.T) {
	for _, tag := range []string{"div", "b", "ul><li", "table><tr><td", "blockquote", "section class=secret", "span"} {
		for _, depth := range []int{90, 150, 400, 5000} {
			w := Writer{Secrets: Drop}
			got, _ := w.HTML(strings.Repeat("<"+tag+">", depth) + "deep")
			if hidden := strings.Contains(tag, "secret"); strings.Contains(got, "deep") == hidden {
				t.Errorf("%d times %s: %.80q", depth, tag, got)
			}
		}
	}
}

// FuzzHTML: no HTML is too much, no secret is left where it is dropped, and what has no secret stays as it is.
func FuzzHTML(f *testing.F) {
	for _, s := range []string{
		"<p>a", "<table><tr><td colspan=9999>x<td rowspan=9999>y", "<ul><li><ol><li>x", "<section class=secret><p>x</section>y", "<a href='x'><b>y",
		"<![CDATA[x]]>", "<!-- x", "<svg><p>x", "<template><p>x", "<math><mi>x", "<select><option>x", "&#0;&amp;&", "<pre>\n```x", "<br><br>a<br>", "\x00",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, mode := range []string{Mark, Drop, Keep} {
			w := Writer{Secrets: mode}
			if got, _ := w.HTML(s); strings.Contains(got, "\x00") {
				t.Errorf("%q: %q", s, got)
			}
		}
		public, found := WithoutSecrets(s)
		if !found && public != s || len(public) > len(s) {
			t.Errorf("%q became %q", s, public)
		}
		if _, again := WithoutSecrets(public); again {
			t.Errorf("%q is left of %q", public, s)
		}
		Escape(s)
		(&Writer{}).Plain(s)
	})
}
