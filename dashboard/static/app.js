// What htmx does not do: the badge, hold and continue, the way back to polling, copying, and keeping <details> as the
// reader left them. Loaded in one file behind htmx and hx-sse.
(() => {
	"use strict";

	document.documentElement.classList.add("script");

	// Frames come every half second; a detail that was opened stays open.
	htmx.registerExtension("keep", {
		htmx_before_morph_attr: (element, change) => !(element.tagName === "DETAILS" && change.attrName === "open"),
	});

	document.addEventListener("click", async (event) => {
		const button = event.target.closest("[data-copy]");
		if (!button) return;
		try {
			await navigator.clipboard.writeText(button.dataset.copy);
			button.textContent = "Copied";
		} catch {
			button.textContent = "Not allowed";
		}
		setTimeout(() => (button.textContent = "Copy"), 1500);
	});

	const live = document.getElementById("live");
	if (!live) return;

	const badge = document.getElementById("badge");
	const hold = document.getElementById("hold");
	const patience = 5000; // for the first frame; then the page asks for it
	const interval = 2000; // of asking
	let state = "connecting";
	let since = ""; // when the stream was lost
	let held = null; // regions that came while the page was held, by target
	let seen = ""; // the id of the frame that was asked for last
	let timer = 0;

	const clock = () => new Date().toTimeString().slice(0, 5);

	function paint() {
		const words = {
			connecting: "connecting",
			live: "live",
			polling: "every 2 s",
			lost: "reconnecting since " + since,
			ended: "ended",
		};
		const shown = held && state !== "ended" ? "held" : state;
		badge.dataset.state = shown;
		badge.textContent = held ? "held · " + words[state] : words[state];
		document.documentElement.dataset.stream = state;
		hold.hidden = state === "ended" && !held;
		hold.textContent = held ? "Continue" : "Hold";
		hold.setAttribute("aria-pressed", String(!!held));
	}

	function become(next) {
		if (state === "ended" || state === next) return;
		if (next === "lost") since = clock();
		state = next;
		paint();
	}

	function end(text) {
		stopAsking();
		become("ended");
		const ending = document.getElementById("ending");
		ending.textContent = text;
		ending.hidden = !text;
	}

	// Frames. Held ones are kept by region, so that holding a page for an hour costs no more than one frame.
	const region = /<hx-partial hx-target="(#[\w-]+)"[^]*?<\/hx-partial>/g;

	function keepBack(html) {
		for (const match of html.matchAll(region)) held.set(match[1], match[0]);
	}

	function show(html) {
		return htmx.swap({ text: html, sourceElement: live, target: live, swap: "none" });
	}

	function toggle() {
		if (!held) {
			held = new Map();
			paint();
			return;
		}
		const html = [...held.values()].join("");
		held = null;
		paint();
		if (html) show(html);
	}

	hold.addEventListener("click", toggle);
	document.addEventListener("keydown", (event) => {
		if (event.key !== "." || event.ctrlKey || event.metaKey || event.altKey || hold.hidden) return;
		if (event.target.closest("input, textarea, select, [contenteditable]")) return;
		event.preventDefault();
		toggle();
	});

	// Asking, for pages that had to give up their stream or never got one.
	async function ask() {
		if (document.hidden) return;
		try {
			const response = await fetch(live.dataset.frame + "?since=" + encodeURIComponent(seen));
			if (!timer) return;
			if (!response.ok) throw new Error(response.statusText);
			become("polling");
			if (response.status === 200) {
				seen = response.headers.get("Frame-Id") || "";
				const html = await response.text();
				if (held) keepBack(html);
				else await show(html);
			}
			if (response.headers.get("Frame-Last")) end("");
		} catch {
			if (timer) become("lost");
		}
	}

	function startAsking() {
		if (timer || state === "ended") return;
		timer = setInterval(ask, interval);
		ask();
	}

	function stopAsking() {
		clearInterval(timer);
		timer = 0;
	}

	// The stream.
	let yielded = false;
	live.addEventListener("htmx:sse:before:connection", (event) => {
		if (yielded || state === "ended") event.preventDefault();
	});
	live.addEventListener("htmx:sse:after:connection", () => {
		if (state === "lost") become("live");
	});
	live.addEventListener("htmx:sse:before:message", (event) => {
		const message = event.detail.message;
		if (message.event) return;
		stopAsking();
		become("live");
		if (held) {
			event.preventDefault();
			keepBack(message.data);
		}
	});
	live.addEventListener("htmx:sse:error", () => become("lost"));
	live.addEventListener("htmx:error", startAsking);
	live.addEventListener("htmx:response:error", startAsking);
	live.addEventListener("yield", () => {
		yielded = true;
		startAsking();
	});
	live.addEventListener("end", (event) => end(event.detail.data));
	setTimeout(() => {
		if (state === "connecting") startAsking();
	}, patience);

	paint();
})();
