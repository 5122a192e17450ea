tflint {
  required_version = ">= 0.50"
}

config {
  call_module_type = "all"
}

plugin "terraform" {
  enabled = true
  preset  = "all"
}

# One file of variables and one of outputs are there; thin modules need no main.tf of their own shape.
rule "terraform_standard_module_structure" {
  enabled = false
}
