"""The command line: arguments -> one verb of a Project -> tables, or JSON for machines."""
