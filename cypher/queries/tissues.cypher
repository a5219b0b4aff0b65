// name: tissues
// topic: Tissues
// about: Tissues, with their cell lines and measured responses.
// columns: tissue string, cell_lines integer, responses integer
MATCH (c:CellLine)
WHERE c.tissue IS NOT NULL
OPTIONAL MATCH (c)<-[t:TESTED_ON]-(:Drug)
RETURN c.tissue AS tissue, count(DISTINCT c.id) AS cell_lines, count(t) AS responses
ORDER BY cell_lines DESC, tissue
