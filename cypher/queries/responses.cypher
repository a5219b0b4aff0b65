// name: responses
// topic: A drug
// about: Measured responses of a drug over cell lines, the most sensitive first.
// param drug: drug, name, alias or id
// param limit: integer, rows; default 2000
// columns: cell_line string, name string, tissue string, dataset string, ln_ic50 float, auc float, response integer
MATCH (d:Drug {id: $drug})-[t:TESTED_ON]->(c:CellLine)
RETURN c.id AS cell_line, c.name AS name, c.tissue AS tissue, t.dataset AS dataset, t.ln_ic50 AS ln_ic50,
       t.auc AS auc, t.response AS response
ORDER BY dataset, CASE WHEN ln_ic50 IS NULL THEN 1 ELSE 0 END, ln_ic50, response DESC, cell_line
LIMIT $limit
