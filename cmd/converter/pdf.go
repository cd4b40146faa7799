package main

import (
	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/plugins/pdf/extract"
)

// pdfName is the command by which this program starts itself to read PDF files.
const pdfName = "pdf-worker"

func (a *app) pdfCommand() *cobra.Command {
	return &cobra.Command{
		Use: pdfName, Short: "Read PDF files that are asked for over standard input", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := extract.Work(c.Context(), a.stdin, a.stdout); err != nil {
				return failed(err)
			}
			return nil
		},
	}
}
