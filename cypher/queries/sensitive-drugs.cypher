// name: sensitive-drugs
// topic: A cell line
// about: Drugs that a run predicts a cell line to be sensitive to, with the interval, beside what was measured.
// param cell_line: cell_line, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: drug string, name string, probability float, low float, high float, measured integer
MATCH (d:Drug)-[p:PREDICTED]->(c:CellLine {id: $cell_line})
WHERE p.run_id = $run AND p.probability IS NOT NULL
OPTIONAL MATCH (d)-[t:TESTED_ON]->(c)
RETURN d.id AS drug, d.name AS name, p.probability AS probability,
       p.low AS low, p.high AS high, max(t.response) AS measured
ORDER BY probability DESC, drug
LIMIT $limit
