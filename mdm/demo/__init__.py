"""Made-up customers with their truth: people and organisations of three countries as six sources know them.

words -> people, organisations -> layouts (what each source writes) -> generate (chunks) -> write (a project)
"""

from mdm.demo.write import write_project

__all__ = ["write_project"]
