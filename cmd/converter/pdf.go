package main

import (
	"github.com/spf13/cobra"

	"github.com/seed-98789ff7/converter/plugins/pdf"
)

// pdfCommand reads pages in a process of its own, which the pdf plugin starts and may kill.
func (a *app) pdfCommand() *cobra.Command {
	return &cobra.Command{
		Use: pdf.WorkerCommand, Short: "Read pages of PDF files for the pdf plugin", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := pdf.Work(c.Context(), a.stdin, a.stdout); err != nil {
				return failed(err)
			}
			return nil
		},
	}
}
