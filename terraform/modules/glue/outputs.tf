output "database" {
  description = "Name of the catalog's database."
  value       = aws_glue_catalog_database.lake.name
}

output "tables" {
  description = "Names of the tables."
  value       = sort([for table in aws_glue_catalog_table.table : table.name])
}

output "job_names" {
  description = "Names of the jobs by their scripts."
  value       = { for script, job in aws_glue_job.job : script => job.name }
}

output "crawler_name" {
  description = "Name of the crawler."
  value       = aws_glue_crawler.lake.name
}

output "workgroup" {
  description = "Athena's workgroup."
  value       = aws_athena_workgroup.lake.name
}

output "queries" {
  description = "Ids of the saved queries by their files."
  value       = { for file, query in aws_athena_named_query.query : file => query.id }
}
