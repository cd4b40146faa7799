// Package asset turns one binary that an entity refers to into the files a web page wants: the picture itself and its
// smaller renditions, as WebP.
//
// It owns three questions. Sniff and Inspect say what the bytes are, by content and from the header alone; Budget says
// whether they may be opened at all, before a single pixel is allocated; Render decodes what may be opened once, sets it
// upright, scales it down in a cascade and encodes every size. What it cannot or must not re-encode (animations, vector
// graphics, sound, video, documents, lossy WebP) it hands back byte for byte, marked as kept.
//
// It leaves to others: reading files and hashing them, naming and storing the results, how many pictures are worked on at
// once (Weight and Deadline give the numbers) and what a failure means for the run.
//
// No goroutine outlives a call. The resampler uses several inside Render, all waited for; they are only ever given pixels
// that this package allocated, because a panic in one of them could not be recovered. Every codec call is guarded: a panic
// becomes an error that carries the stack.
//
// Failures are *RefusedError (over budget, contradictory or no picture at all), *DamagedError, *UnsupportedError or
// *CodecError; CodeOf gives the stable word for each. A cancelled context comes back as the context's error. With all but
// the first the result still carries the kept original, so that nothing is lost.
//
// Memory is bounded by the budget: Weight megabytes at the peak of one Render, on top of the input.
package asset
