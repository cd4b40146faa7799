package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/seed-98789ff7/converter/core"
	"github.com/seed-98789ff7/converter/core/engine"
	"github.com/seed-98789ff7/converter/runs"
	"github.com/seed-98789ff7/converter/sdk"
)

const codeTooMany = "run.too_many_failures"

// explain says in the words of the config why the engine gave up, where it was the config that made it.
func (j *job) explain(err error) error {
	tooMany, ok := errors.AsType[*engine.TooManyError](err)
	if !ok {
		return err
	}
	return &sdk.Diagnostic{
		Kind: sdk.Invalid, Code: codeTooMany,
		Summary: fmt.Sprintf("%s failed, and run.max_failures allows %s, so nothing was written; the problems of run %s say which, and why",
			counted(tooMany.Failed, "item"), grouped(tooMany.Allowed), j.run.ID()),
		Suggestion: "mend their causes, or allow more; `converter serve --config " + j.flags.config + "` shows the problems again",
	}
}

// ending is how the run ended.
func (j *job) ending(result engine.Result, err error) runs.Ending {
	e := runs.Ending{State: core.Succeeded, ResultID: result.ResultID}
	summary := j.run.State().Summary()
	items, causes := summary.Failures()
	switch {
	case err != nil && j.stop.signal() != "":
		e.State, e.Reason, e.Actor = core.Cancelled, j.stop.why().Error(), j.stop.actor()
	case err != nil:
		e.State, e.Reason, e.Actor = core.Failed, firstLine(err.Error()), "error"
		if _, ok := errors.AsType[*runs.StoreError](err); ok {
			e.Actor = "store"
		}
		if d, ok := errors.AsType[*sdk.Diagnostic](err); ok && d.Code == codeTooMany {
			e.Reason, e.Actor = d.Summary, "limit"
		}
	case len(result.Broken) > 0:
		e.State, e.Actor = core.Partial, "source"
		e.Reason = "not read to the end: " + strings.Join(result.Broken, ", ")
	case items > 0:
		e.State, e.Reason = core.Partial, fmt.Sprintf("%s failed in %s", grouped(items), plural(causes, "cause"))
	case result.Entities == 0:
		e.Reason = "the sources had nothing to convert"
	}
	e.Drop = e.State == core.Succeeded
	return e
}

// exit turns the end of the run into the end of the program.
func (j *job) exit(e runs.Ending, err error) error {
	switch {
	case e.State == core.Cancelled && j.stop.signal() == "SIGTERM":
		return &exitError{code: exitSIGTERM}
	case e.State == core.Cancelled && e.Actor == byUser:
		return &exitError{code: exitFailed} // nothing was converted, and no signal stopped it
	case e.State == core.Cancelled:
		return &exitError{code: exitSIGINT}
	case err != nil && j.told(err):
		return &exitError{code: exitFailed}
	case err != nil:
		return failed(err)
	case e.State == core.Partial && j.flags.strict:
		return &exitError{code: exitPartial}
	default:
		return nil
	}
}

// told says that all there is to say about err stands among the problems, which have been shown.
func (j *job) told(err error) bool {
	if j.screen.mode == progressNone {
		return false
	}
	said := map[string]bool{}
	for _, p := range j.run.State().Summary().Problems {
		said[p.Code] = true
	}
	for _, d := range sdk.Diagnose(err, "") {
		if !said[d.Code] {
			return false
		}
	}
	return true
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
