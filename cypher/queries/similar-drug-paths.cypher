// name: similar-drug-paths
// topic: A drug on a cell line
// about: Paths from a drug to a cell line through similar drugs to which it attends and which were tested on the cell line.
// param drug: drug, name, alias or id
// param cell_line: cell_line, name, alias or id
// param run: run, run id; default the promoted run
// param limit: integer, rows; default 20
// columns: drug string, name string, rank integer, weight float, response integer, ln_ic50 float
MATCH (d:Drug {id: $drug})-[a:ATTENDS]->(o:Drug)-[t:TESTED_ON]->(c:CellLine {id: $cell_line})
WHERE a.run_id = $run
RETURN o.id AS drug, o.name AS name, a.rank AS rank, a.weight AS weight, max(t.response) AS response,
       avg(t.ln_ic50) AS ln_ic50
ORDER BY rank, drug
LIMIT $limit
