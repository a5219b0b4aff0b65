"""Finds the units of what a table measures, and makes them the graph's: ln µmol/l, fractions, logarithms of expression.

What a user says, what a column's name says and what its values can be are compared; where they disagree, the load is
refused in one line that names a value. `concentrations` is the one table of units of concentrations, `shares` that of
fractions and percentages; `given` reads what the user says, `columns` finds columns whose name says a unit, and
`responses` and `expression` decide.
"""
